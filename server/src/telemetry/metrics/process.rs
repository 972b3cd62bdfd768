//! What the operating system says of this process.

use super::{int_gauge, registered};
use prometheus::{Counter, IntGauge, Registry};

/// Read from the operating system when somebody scrapes.
pub struct ProcessGauges {
    resident_bytes: IntGauge,
    cpu_seconds: Counter,
    open_fds: IntGauge,
}

impl ProcessGauges {
    /// All of them at zero.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(r: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            resident_bytes: int_gauge(r, "process_resident_memory_bytes", "Resident memory.")?,
            cpu_seconds: registered(r, Counter::new("process_cpu_seconds_total", "Processor time used.")?)?,
            open_fds: int_gauge(r, "process_open_fds", "Open file descriptors.")?,
        })
    }

    /// From `/proc/self`; where there is none, the gauges stay at zero.
    pub fn read(&self) {
        let own = std::process::id();
        if let Some(bytes) = servoir_child::resident_bytes(own) {
            self.resident_bytes.set(bytes as i64);
        }
        if let Some(used) = servoir_child::cpu_time(own) {
            self.cpu_seconds.reset();
            self.cpu_seconds.inc_by(used.as_secs_f64());
        }
        if let Ok(fds) = std::fs::read_dir("/proc/self/fd") {
            self.open_fds.set(fds.count() as i64);
        }
    }
}
