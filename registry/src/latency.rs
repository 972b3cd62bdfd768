//! How long the database and the artifact store take.

use crate::error::{RegistryError, Result};
use prometheus::core::Collector;
use prometheus::{HistogramOpts, HistogramTimer, HistogramVec};

/// Buckets in seconds: 100 µs to 60 s, two to three per decade.
const SECONDS: &[f64] =
    &[100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Durations by operation. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Latency(HistogramVec);

impl Latency {
    /// Of a database: `acquire` is the wait for a connection and, on SQLite, for the writers' turn; `read` and `write` are from
    /// then to giving the connection back.
    pub(crate) fn of_database() -> Result<Self> {
        let help = "Time in the registry's database: waiting for a connection (acquire), then with it.";
        Self::new("servoir_registry_duration_seconds", help, &["acquire", "read", "write"])
    }

    /// Of an artifact store. `get` is to the first bytes, `put` to the last.
    pub(crate) fn of_store() -> Result<Self> {
        let help = "Time in the artifact store; get is to the first bytes, put to the last.";
        Self::new("servoir_store_duration_seconds", help, &["get", "put", "size", "delete", "ping"])
    }

    fn new(name: &str, help: &str, operations: &[&str]) -> Result<Self> {
        let options = HistogramOpts::new(name, help).buckets(SECONDS.into());
        let durations = HistogramVec::new(options, &["operation"])
            .map_err(|error| RegistryError::Inconsistent(error.to_string()))?;
        // With a series for each: a rate is right from the first event on.
        operations.iter().for_each(|operation| drop(durations.with_label_values(&[*operation])));
        Ok(Self(durations))
    }

    /// Measures until it is dropped.
    pub(crate) fn start(&self, operation: &str) -> HistogramTimer {
        self.0.with_label_values(&[operation]).start_timer()
    }

    pub(crate) fn collector(&self) -> Box<dyn Collector> {
        Box::new(self.0.clone())
    }
}
