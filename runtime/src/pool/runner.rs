//! An instance that runs several requests as one: gather, run, scatter, answer.

use super::counters::Running;
use super::instance::Instance;
use super::recorder::Execution;
use super::self_check::SelfCheck;
use crate::batch::{gather, pad, scatter};
use crate::error::PredictError;
use crate::queue::{Answer, Job};
use servoir_types::Tensor;
use std::time::Instant;

/// An instance with what it takes to run several requests together.
pub struct Runner {
    instance: Instance,
    /// The last batch's inputs, kept for their memory.
    batch: Vec<Tensor>,
    check: SelfCheck,
}

/// What came of several requests that ran together.
struct Together {
    /// One for each request, in their order.
    answers: Vec<Vec<Tensor>>,
    started: Instant,
    execution: Execution,
}

impl Runner {
    pub fn new(instance: Instance, check: SelfCheck) -> Self {
        Self { instance, batch: Vec::new(), check }
    }

    /// The instance, to run a request alone.
    pub fn instance(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Runs these, which fit together, and answers each. Where they are run by an instance of the queue, its time at work is counted
    /// before anyone has an answer.
    pub fn serve(&mut self, jobs: &mut Vec<Job>, mut running: Option<&mut Running>) {
        let mut count = || running.iter_mut().for_each(|running| running.count());
        if jobs.len() > 1
            && let Some(Together { answers, started, execution }) = self.run_together(jobs)
        {
            let queued = |job: &Job| started.saturating_duration_since(job.arrived);
            // Recorded first: who has an answer finds it counted.
            self.instance.recorder().ran(execution, jobs.iter().map(queued));
            count();
            let sample = self.check.pick(jobs, &answers);
            for (job, outputs) in jobs.drain(..).zip(answers) {
                let queued = queued(&job);
                if job.observed {
                    self.instance.tap().answered((&job.inputs, job.rows), &outputs);
                }
                let Execution { infer: computed, ended, rows: batch_rows, .. } = execution;
                job.answer(Ok(Answer { outputs, queued, computed, ended, batch_rows }));
            }
            if let Some(sample) = sample {
                sample.run_again(&mut self.instance);
            }
            return;
        }
        let alone = jobs.len() == 1;
        for job in jobs.drain(..) {
            // What was run in vain together may have outlived its deadline or its client.
            let now = Instant::now();
            if alone || !job.is_dead(now) {
                let reply = self.instance.serve((&job.inputs, job.rows), job.observed, (job.arrived, now));
                count();
                job.answer(reply);
            } else {
                job.answer(Err(PredictError::DeadlineExceeded));
            }
        }
    }

    /// Runs several requests as one batch. `None` when they must be run one by one: the run failed, and only the culprit
    /// shall see that, or the outputs cannot be told apart.
    fn run_together(&mut self, jobs: &[Job]) -> Option<Together> {
        let started = Instant::now();
        let requests: Vec<&[Tensor]> = jobs.iter().map(|job| job.inputs.as_slice()).collect();
        let mut rows: Vec<usize> = jobs.iter().map(|job| job.rows).collect();
        if !gather(&requests, &mut self.batch) {
            return None;
        }
        let total: usize = rows.iter().sum();
        if let Some(prepared) = self.instance.rows_prepared(&self.batch)
            && pad(&mut self.batch, prepared)
        {
            self.instance.counters().padded(prepared - total);
            // Nobody's: cut off with the others.
            rows.push(prepared - total);
        }
        let gathered = Instant::now();
        let mut outputs = Vec::new();
        let ended = self.instance.run(gathered, (&self.batch, total), &mut outputs).ok()?;
        let (input, infer) = (gathered.duration_since(started), ended.duration_since(gathered));
        let answers = scatter(&outputs, &rows);
        let output = ended.elapsed();
        if answers.is_none() {
            tracing::warn!(
                engine = self.instance.engine(),
                "outputs do not have the rows of the inputs: this model's requests run one by one from now on"
            );
            self.instance.counters().set_unbatchable();
        }
        let mut answers = answers?;
        answers.truncate(jobs.len());
        Some(Together { answers, started, execution: Execution { rows: total, input, infer, output, ended } })
    }
}
