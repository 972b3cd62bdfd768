//! One instance at work: take, gather, run, scatter, answer.

use super::Counters;
use super::recorder::{Execution, Recorder};
use crate::batch::{gather, scatter};
use crate::engine::{Program, Session, caught};
use crate::error::{PredictError, RunError};
use crate::queue::{Answer, Job, Queue};
use servoir_types::Tensor;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// One instance: a session, and what it needs to serve it.
pub struct Worker {
    program: Arc<dyn Program>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    recorder: Arc<Recorder>,
    /// `None` after a panic, until a fresh one could be made.
    session: Option<Box<dyn Session>>,
    /// Whether the signature allows batches at all.
    batchable: bool,
    /// The last batch's inputs, kept for their memory.
    batch: Vec<Tensor>,
}

impl Worker {
    pub fn new(
        program: Arc<dyn Program>,
        session: Box<dyn Session>,
        queue: Arc<Queue>,
        counted: (Arc<Counters>, Arc<Recorder>),
        batchable: bool,
    ) -> Self {
        let (counters, recorder) = counted;
        Self { program, queue, counters, recorder, session: Some(session), batchable, batch: Vec::new() }
    }

    /// Serves until the queue is closed and empty.
    pub fn work(mut self) {
        let counters = Arc::clone(&self.counters);
        while let Some(jobs) = self.queue.take(self.batchable && !counters.is_unbatchable()) {
            counters.busy.fetch_add(1, Ordering::Relaxed);
            self.serve(jobs);
            counters.busy.fetch_sub(1, Ordering::Relaxed);
        }
        self.discard_session();
        counters.instances.fetch_sub(1, Ordering::Relaxed);
    }

    fn serve(&mut self, mut jobs: Vec<Job>) {
        let started = Instant::now();
        if jobs.len() > 1
            && let Some((answers, execution)) = self.run_together(&jobs)
        {
            let queued = |job: &Job| started.saturating_duration_since(job.arrived);
            // Recorded first: who has an answer finds it counted.
            self.recorder.ran(execution, jobs.iter().map(queued));
            for (job, outputs) in jobs.into_iter().zip(answers) {
                let queued = queued(&job);
                job.answer(Ok(Answer { outputs, queued, computed: execution.infer, batch_rows: execution.rows }));
            }
            return;
        }
        let alone = jobs.len() == 1;
        for job in jobs.drain(..) {
            // What was run in vain together may have outlived its deadline or its client.
            if alone || !job.is_dead(Instant::now()) {
                self.serve_alone(job);
            } else {
                job.answer(Err(PredictError::DeadlineExceeded));
            }
        }
    }

    fn serve_alone(&mut self, job: Job) {
        let started = Instant::now();
        let queued = started.saturating_duration_since(job.arrived);
        let mut outputs = Vec::new();
        let reply = match self.run(Inputs::Of(&job), job.rows, &mut outputs) {
            Ok(computed) => {
                let nothing = Duration::ZERO;
                let execution = Execution { rows: job.rows, input: nothing, infer: computed, output: nothing };
                self.recorder.ran(execution, std::iter::once(queued));
                Ok(Answer { outputs, queued, computed, batch_rows: job.rows })
            }
            Err(error) => {
                self.counters.failed(&error.to_string());
                Err(PredictError::Run(error))
            }
        };
        job.answer(reply);
    }

    /// Runs several requests as one batch. `None` when they must be run one by one: the run failed, and only the culprit
    /// shall see that, or the outputs cannot be told apart.
    fn run_together(&mut self, jobs: &[Job]) -> Option<(Vec<Vec<Tensor>>, Execution)> {
        let started = Instant::now();
        let requests: Vec<&[Tensor]> = jobs.iter().map(|job| job.inputs.as_slice()).collect();
        let rows: Vec<usize> = jobs.iter().map(|job| job.rows).collect();
        if !gather(&requests, &mut self.batch) {
            return None;
        }
        let input = started.elapsed();
        let mut outputs = Vec::new();
        let total = rows.iter().sum();
        let infer = self.run(Inputs::Batch, total, &mut outputs).ok()?;
        let ran = Instant::now();
        let answers = scatter(&outputs, &rows);
        let output = ran.elapsed();
        if answers.is_none() {
            tracing::warn!(
                engine = self.program.engine().as_str(),
                "outputs do not have the rows of the inputs: this model's requests run one by one from now on"
            );
            self.counters.set_unbatchable();
        }
        answers.map(|answers| (answers, Execution { rows: total, input, infer, output }))
    }

    /// Runs the session once. A panic is an error, and ends the session that it happened in.
    fn run(&mut self, inputs: Inputs<'_>, rows: usize, outputs: &mut Vec<Tensor>) -> Result<Duration, RunError> {
        let engine = self.program.engine().as_str();
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(fresh(&*self.program)?),
        };
        let inputs = match inputs {
            Inputs::Batch => self.batch.as_slice(),
            Inputs::Of(job) => job.inputs.as_slice(),
        };
        let started = Instant::now();
        let result = caught(|| session.run(inputs, outputs));
        let computed = started.elapsed();
        self.counters.ran(rows, computed);
        let wanted = self.program.signature().outputs.len();
        match result {
            Ok(Ok(())) if outputs.len() == wanted => Ok(computed),
            Ok(Ok(())) => Err(RunError {
                engine,
                reason: format!("it gave {} outputs where the model has {wanted}", outputs.len()),
            }),
            Ok(Err(error)) => Err(error),
            Err(panic) => {
                self.discard_session();
                Err(RunError { engine, reason: format!("it panicked: {panic}") })
            }
        }
    }

    /// Frees the session on this thread; one that panicked may panic again on the way.
    fn discard_session(&mut self) {
        let session = self.session.take();
        if let Err(panic) = caught(move || drop(session)) {
            tracing::warn!(engine = self.program.engine().as_str(), "a session panicked while it was freed: {panic}");
        }
    }
}

/// What a run reads.
enum Inputs<'a> {
    /// The gathered batch.
    Batch,
    /// One request's own tensors.
    Of(&'a Job),
}

fn fresh(program: &dyn Program) -> Result<Box<dyn Session>, RunError> {
    let failed = |reason: String| RunError { engine: program.engine().as_str(), reason };
    match caught(|| program.session()) {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(failed(format!("no new session after a panic: {error}"))),
        Err(panic) => Err(failed(format!("no new session after a panic: it panicked again: {panic}"))),
    }
}
