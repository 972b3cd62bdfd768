//! One instance at work: take, gather, run, scatter, answer.

use super::counters::Running;
use super::inline::Inline;
use super::instance::Instance;
use super::recorder::Execution;
use super::self_check::SelfCheck;
use crate::batch::{gather, pad, scatter};
use crate::error::PredictError;
use crate::queue::{Answer, Job, Queue};
use servoir_types::Tensor;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// An instance on a thread of its own, which takes its work from the queue.
pub struct Worker {
    instance: Instance,
    queue: Arc<Queue>,
    /// Whether the signature allows batches at all.
    batchable: bool,
    /// The last batch's inputs, kept for their memory.
    batch: Vec<Tensor>,
    check: SelfCheck,
    /// Kept so that what runs here and now is freed on this thread too, and not on one that answers.
    _inline: Option<Arc<Inline>>,
}

impl Worker {
    /// `batchable`: whether the signature allows batches at all.
    pub fn new(
        instance: Instance,
        queue: Arc<Queue>,
        (batchable, check): (bool, SelfCheck),
        inline: Option<Arc<Inline>>,
    ) -> Self {
        Self { instance, queue, batchable, batch: Vec::new(), check, _inline: inline }
    }

    /// Serves until the queue is closed and empty, or there is less to do than there are workers.
    pub fn work(mut self) {
        let counters = Arc::clone(self.instance.counters());
        while let Some(jobs) = self.queue.take(self.batchable && !counters.is_unbatchable()) {
            let mut running = counters.running(jobs.iter().map(Job::charged_rows).sum());
            self.serve(jobs, &mut running);
        }
        self.instance.discard_session();
        counters.instances.fetch_sub(1, Ordering::Relaxed);
    }

    fn serve(&mut self, mut jobs: Vec<Job>, running: &mut Running) {
        if jobs.len() > 1
            && let Some((answers, execution)) = self.run_together(&jobs)
        {
            let started = running.started();
            let queued = |job: &Job| started.saturating_duration_since(job.arrived);
            // Recorded first: who has an answer finds it counted.
            self.instance.recorder().ran(execution, jobs.iter().map(queued));
            running.count();
            let sample = self.check.pick(&jobs, &answers);
            for (job, outputs) in jobs.into_iter().zip(answers) {
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
            if alone || !job.is_dead(Instant::now()) {
                self.serve_alone(job, running);
            } else {
                job.answer(Err(PredictError::DeadlineExceeded));
            }
        }
    }

    fn serve_alone(&mut self, job: Job, running: &mut Running) {
        let reply = self.instance.serve((&job.inputs, job.rows), job.observed, (job.arrived, Instant::now()));
        running.count();
        job.answer(reply);
    }

    /// Runs several requests as one batch. `None` when they must be run one by one: the run failed, and only the culprit
    /// shall see that, or the outputs cannot be told apart.
    fn run_together(&mut self, jobs: &[Job]) -> Option<(Vec<Vec<Tensor>>, Execution)> {
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
        answers.map(|mut answers| {
            answers.truncate(jobs.len());
            (answers, Execution { rows: total, input, infer, output, ended })
        })
    }
}
