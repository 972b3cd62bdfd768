//! Model files that were tried before they were loaded.

use super::{SECONDS, counter_vec, from_zero, registered};
use crate::preflight::OUTCOMES;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Registry};
use std::time::Duration;

/// The metrics of preflights.
pub struct PreflightMetrics {
    total: IntCounterVec,
    durations: Histogram,
}

impl PreflightMetrics {
    /// All of them at zero.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(r: &Registry) -> prometheus::Result<Self> {
        let total = counter_vec(r, "servoir_preflights_total", "Model files tried, by outcome.", &["outcome"])?;
        let durations = HistogramOpts::new("servoir_preflight_duration_seconds", "Time to try a model file.");
        Ok(Self {
            total: from_zero(total, &OUTCOMES),
            durations: registered(r, Histogram::with_opts(durations.buckets(SECONDS.into()))?)?,
        })
    }

    /// Counts a file that was tried.
    pub fn count(&self, outcome: &str, elapsed: Duration) {
        self.total.with_label_values(&[outcome]).inc();
        self.durations.observe(elapsed.as_secs_f64());
    }
}
