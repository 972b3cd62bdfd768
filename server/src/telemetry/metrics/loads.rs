//! What loading models does to those who are answered meanwhile.

use super::{GaugeGuard, SECONDS, int_gauge, registered};
use prometheus::{Histogram, HistogramOpts, IntGauge, Registry};
use std::time::Duration;

/// The metrics of loads.
pub struct LoadMetrics {
    running: IntGauge,
    beside: Histogram,
}

impl LoadMetrics {
    /// All of them at zero.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(r: &Registry) -> prometheus::Result<Self> {
        let help = "Time from a prediction's head to its answer, of those that were answered while a version was being loaded.";
        let beside = HistogramOpts::new("servoir_request_duration_beside_loads_seconds", help);
        Ok(Self {
            running: int_gauge(r, "servoir_loads_running", "Versions that are being loaded.")?,
            beside: registered(r, Histogram::with_opts(beside.buckets(SECONDS.into()))?)?,
        })
    }

    /// Counts a load for as long as the guard lives.
    pub fn running(&self) -> impl Drop + Send + 'static {
        GaugeGuard::up(self.running.clone())
    }

    /// Counts a prediction that was answered, when that was beside a load. All threads read one number here, which seldom changes.
    pub fn answered(&self, elapsed: Duration) {
        if self.running.get() > 0 {
            self.beside.observe(elapsed.as_secs_f64());
        }
    }
}
