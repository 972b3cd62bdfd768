//! Running here and now: what costs less than handing it over runs on the thread that asks.

use super::instance::Instance;
use crate::per_thread::PerThread;
use std::sync::MutexGuard;

/// Instances for the threads that ask.
pub struct Inline {
    /// The most rows of a request that runs here.
    rows_max: usize,
    instances: PerThread<Instance>,
}

impl Inline {
    /// At least one instance; requests of up to `rows_max` rows run here.
    pub fn new(rows_max: usize, instances: impl Iterator<Item = Instance>) -> Self {
        Self { rows_max, instances: PerThread::new(instances) }
    }

    /// The most rows of a request that runs here.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// How many instances there are.
    pub fn places(&self) -> usize {
        self.instances.places()
    }

    /// This thread's instance, or another that is free, and whether it was waited for. When all are at work, this waits for
    /// its own: no longer than one run, which is short, or it would not be here.
    pub fn instance(&self) -> (MutexGuard<'_, Instance>, bool) {
        match self.instances.free() {
            Some(instance) => (instance, false),
            None => (self.instances.own(), true),
        }
    }
}
