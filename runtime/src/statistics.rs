//! What a deployment has done since it was started, in the terms of the statistics extension of the Open Inference
//! Protocol.

use std::ops::AddAssign;
use std::time::Duration;

/// How often something was done, and how long it took altogether.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// How long, in nanoseconds.
    pub nanos: u64,
}

/// What a deployment has done since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// When the last request was run, in milliseconds since 1970; 0: none was.
    pub last_inference_ms: u64,
    /// Rows of requests that were run.
    pub inferences: u64,
    /// Runs of the engine; one run may have served several requests.
    pub executions: u64,
    /// Requests that were answered, from their arrival to their answer.
    pub success: Tally,
    /// Requests that fitted the model and were not answered: the engine failed, the queue was full, the time was over, or
    /// the client had gone.
    pub fail: Tally,
    /// Those of them that the model is to blame for: the engine failed, or the time was over.
    pub errors: u64,
    /// Requests that were run, and their time in the queue.
    pub queue: Tally,
    /// Requests that were run, and the time in which the inputs of each one's batch were put together.
    pub compute_input: Tally,
    /// Requests that were run, and the time that the engine took for each one's batch.
    pub compute_infer: Tally,
    /// Requests that were run, and the time in which the outputs of each one's batch were cut apart.
    pub compute_output: Tally,
    /// Runs by their rows, in ascending order.
    pub batches: Vec<BatchStatistics>,
}

/// Runs of one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchStatistics {
    /// The rows that ran together.
    pub rows: usize,
    /// Runs, and the time in which their inputs were put together.
    pub compute_input: Tally,
    /// Runs, and the time that the engine took for them.
    pub compute_infer: Tally,
    /// Runs, and the time in which their outputs were cut apart.
    pub compute_output: Tally,
}

impl Tally {
    /// Counts `count` times the same duration.
    pub(crate) fn add(&mut self, count: u64, each: Duration) {
        let nanos = u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
        *self += Self { count, nanos: nanos.saturating_mul(count) };
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.nanos = self.nanos.saturating_add(other.nanos);
    }
}

impl BatchStatistics {
    /// Adds runs of the same size.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.compute_input += other.compute_input;
        self.compute_infer += other.compute_infer;
        self.compute_output += other.compute_output;
    }
}
