//! The self-check: now and then a request that ran with others is run again alone, and the answers are compared.

use super::instance::Instance;
use super::warmup::alike;
use crate::queue::Job;
use servoir_types::Tensor;
use std::time::Instant;

/// Counts the requests that ran with others, and picks some.
pub struct SelfCheck {
    /// Of so many requests one is picked; 0: none is.
    one_in: u64,
    seen: u64,
}

/// A request to be run again.
pub struct Sample {
    inputs: Vec<Tensor>,
    rows: usize,
    /// What it was answered.
    together: Vec<Tensor>,
}

impl SelfCheck {
    pub fn new(one_in: u64) -> Self {
        Self { one_in, seen: 0 }
    }

    /// A copy of the request whose turn it is, if there is one among these that ran together; of several the first.
    pub fn pick(&mut self, jobs: &[Job], answers: &[Vec<Tensor>]) -> Option<Sample> {
        if self.one_in == 0 {
            return None;
        }
        let until_next = self.one_in - 1 - self.seen % self.one_in;
        self.seen += jobs.len() as u64;
        let picked = usize::try_from(until_next).ok()?;
        let (job, together) = (jobs.get(picked)?, answers.get(picked)?);
        Some(Sample { inputs: job.inputs.clone(), rows: job.rows, together: together.clone() })
    }
}

impl Sample {
    /// Runs the request alone, and counts whether that makes a difference. Engines may add in another order: what is a
    /// thousandth apart or less is alike.
    pub fn run_again(self, instance: &mut Instance) {
        let mut alone = Vec::new();
        let alike = instance.run(Instant::now(), (&self.inputs, self.rows), &mut alone).is_ok()
            && alike(&alone, &self.together);
        instance.counters().checked(alike);
        if !alike {
            tracing::error!(
                engine = instance.engine(),
                rows = self.rows,
                "the self-check found a request that is answered otherwise with others than alone"
            );
        }
    }
}
