//! What a child process forbids itself before it reads anything of strangers.

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use std::io;

/// What a child may use, and how far it stands back.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most memory that it may ask for, in bytes.
    pub memory_bytes_max: u64,
    /// The most seconds of a processor, of all its threads together.
    pub cpu_seconds_max: Option<u64>,
    /// How far it steps back behind other processes, from 0 to 19.
    pub nice: i32,
}

impl Limits {
    /// Limits this process, which then dies with its parent, leaves no core file, and is the first to go when the machine
    /// runs out of memory. What this system does not have is left out.
    ///
    /// The limit on memory is on data (`RLIMIT_DATA`: what is written to in private, which is what computing asks for), not
    /// on the address space, of which allocators and engines reserve more than they use.
    ///
    /// # Errors
    /// When a limit is refused.
    pub fn apply(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // Without it the kernel would choose by size, and that is the server.
            let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
        }
        limit(Resource::Core, 0, 0)?;
        limit(Resource::Data, self.memory_bytes_max, self.memory_bytes_max)?;
        if let Some(seconds) = self.cpu_seconds_max {
            // One more before the kill, so that the end tells the reason: `SIGXCPU`.
            limit(Resource::Cpu, seconds, seconds.saturating_add(1))?;
        }
        // A process that may not step back runs as it is.
        let _ = nice(self.nice);
        Ok(())
    }
}

fn limit(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
}
