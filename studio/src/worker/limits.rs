//! What the child process forbids itself before it reads anything of strangers.

use crate::job::Job;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// Limits memory, and a script's processor time; steps back behind other processes, and dies with its parent. What this system does not have is left out.
///
/// The limit is on data (`RLIMIT_DATA`: what is written to in private, which is what training asks for), not on the
/// address space, of which allocators reserve more than they use.
///
/// # Errors
/// The memory limit is refused.
pub fn apply(job: &Job) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let limit = Rlimit { current: Some(job.memory_bytes_max), maximum: Some(job.memory_bytes_max) };
    setrlimit(Resource::Data, limit)?;
    if let Some(script) = &job.script {
        // One more before the kill, so that the script is told first.
        let maximum = Some(script.cpu_seconds_max.saturating_add(1));
        setrlimit(Resource::Cpu, Rlimit { current: Some(script.cpu_seconds_max), maximum })?;
    }
    // A process that may not step back runs as it is.
    let _ = nice(job.nice);
    Ok(())
}
