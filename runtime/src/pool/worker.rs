//! One instance at work: take what the queue has, and run it.

use super::inline::Inline;
use super::runner::Runner;
use crate::queue::{Job, Queue};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An instance on a thread of its own, which takes its work from the queue.
pub struct Worker {
    runner: Runner,
    queue: Arc<Queue>,
    /// Whether the signature allows batches at all.
    batchable: bool,
    /// Kept so that what runs here and now is freed on this thread too, and not on one that answers.
    _inline: Option<Arc<Inline>>,
}

impl Worker {
    /// `batchable`: whether the signature allows batches at all.
    pub fn new(runner: Runner, (queue, batchable): (Arc<Queue>, bool), inline: Option<Arc<Inline>>) -> Self {
        Self { runner, queue, batchable, _inline: inline }
    }

    /// Serves until the queue is closed and empty, or there is less to do than there are workers.
    pub fn work(mut self) {
        let counters = Arc::clone(self.runner.instance().counters());
        while let Some(mut jobs) = self.queue.take(self.batchable && !counters.is_unbatchable()) {
            let mut running = counters.running(jobs.iter().map(Job::charged_rows).sum());
            self.runner.serve(&mut jobs, Some(&mut running));
        }
        self.runner.instance().discard_session();
        counters.instances.fetch_sub(1, Ordering::Relaxed);
    }
}
