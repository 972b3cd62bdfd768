//! How much processor and memory a child takes, from `/proc` (proc(5)); where there is none, nothing is known.

use servoir_child::cpu_time;
use std::time::Instant;

/// What has been seen of a process.
#[derive(Debug)]
pub(super) struct Usage {
    pid: u32,
    last: Option<(Instant, f64)>,
    /// The most processors in use between two looks, in per cent of one.
    pub(super) cpu_percent_peak: f64,
    /// Processor time so far.
    pub(super) cpu_seconds: f64,
    /// The most resident memory, in bytes.
    pub(super) memory_bytes_peak: u64,
}

impl Usage {
    pub(super) fn of(pid: u32) -> Self {
        Self { pid, last: None, cpu_percent_peak: 0.0, cpu_seconds: 0.0, memory_bytes_peak: 0 }
    }

    /// Looks once. A process that has ended changes nothing.
    pub(super) fn look(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok();
        let Some((status, used)) = status.zip(cpu_time(self.pid)) else { return };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        self.memory_bytes_peak = self.memory_bytes_peak.max(peak.unwrap_or(0) * 1024);
        let (now, seconds) = (Instant::now(), used.as_secs_f64());
        if let Some((then, before)) = self.last
            && now > then
        {
            let percent = 100.0 * (seconds - before) / (now - then).as_secs_f64();
            self.cpu_percent_peak = self.cpu_percent_peak.max(percent);
        }
        (self.last, self.cpu_seconds) = (Some((now, seconds)), seconds);
    }
}
