//! Changes of what is live: how they ended, what was refused, and what was taken down again.

use super::{Metrics, SECONDS, counter_vec, from_zero, registered};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Registry};
use std::time::Duration;

/// What is counted of changes of what is live.
pub struct SwapMetrics {
    outcomes: IntCounterVec,
    durations: Histogram,
    refused: IntCounterVec,
    rollbacks: IntCounterVec,
}

impl SwapMetrics {
    /// All at zero.
    ///
    /// # Errors
    /// When two metrics have the same name, which a test would have found.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str, label: &str, values: &[&str]| {
            Ok::<_, prometheus::Error>(from_zero(counter_vec(registry, name, help, &[label])?, values))
        };
        Ok(Self {
            outcomes: counter(
                "servoir_swaps_total",
                "Changes of what is live, by outcome.",
                "outcome",
                &["live", "refused", "failed"],
            )?,
            durations: registered(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new("servoir_swap_duration_seconds", "Time from a decided change to live.")
                        .buckets(SECONDS.into()),
                )?,
            )?,
            refused: counter(
                "servoir_swaps_refused_total",
                "Versions that were not put live for what they would have done to callers.",
                "reason",
                &["signature", "requests"],
            )?,
            rollbacks: counter(
                "servoir_rollbacks_total",
                "Versions that were taken down for the one before, by request or for what was found of them.",
                "cause",
                &["asked", "errors", "latency", "divergence"],
            )?,
        })
    }
}

impl Metrics {
    /// Counts a change of what is live.
    pub fn swap(&self, outcome: &str, elapsed: Duration) {
        self.swaps.outcomes.with_label_values(&[outcome]).inc();
        self.swaps.durations.observe(elapsed.as_secs_f64());
    }

    /// Counts a version that was not put live for what it would have done to callers.
    pub fn swap_refused(&self, reason: &str) {
        self.swaps.refused.with_label_values(&[reason]).inc();
    }

    /// Counts a version that was taken down for the one before.
    pub fn rolled_back(&self, cause: &str) {
        self.swaps.rollbacks.with_label_values(&[cause]).inc();
    }
}
