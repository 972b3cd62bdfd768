//! A session with what counts its runs. A panic ends the session and not the instance.

use super::Counters;
use super::recorder::{Execution, Recorder};
use crate::engine::{Program, Session, caught};
use crate::error::{PredictError, RunError};
use crate::queue::Answer;
use crate::tap::TapPlace;
use servoir_types::Tensor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One session at work.
pub struct Instance {
    program: Arc<dyn Program>,
    counters: Arc<Counters>,
    recorder: Arc<Recorder>,
    tap: Arc<TapPlace>,
    /// `None` after a panic, until a fresh one could be made.
    session: Option<Box<dyn Session>>,
}

impl Instance {
    pub fn new(
        program: Arc<dyn Program>,
        session: Box<dyn Session>,
        (counters, recorder): (Arc<Counters>, Arc<Recorder>),
        tap: Arc<TapPlace>,
    ) -> Self {
        Self { program, counters, recorder, tap, session: Some(session) }
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// What sees requests that were answered.
    pub fn tap(&self) -> &TapPlace {
        &self.tap
    }

    /// To how many rows a batch is to be padded, if at all.
    pub fn rows_prepared(&self, batch: &[Tensor]) -> Option<usize> {
        self.program.rows_prepared(batch)
    }

    /// The engine's name.
    pub fn engine(&self) -> &'static str {
        self.program.engine().as_str()
    }

    /// Runs one request's inputs, `rows` of them, now: it is `started`, and they had waited since `arrived`.
    pub fn serve(
        &mut self,
        (inputs, rows): (&[Tensor], usize),
        observed: bool,
        (arrived, started): (Instant, Instant),
    ) -> Result<Answer, PredictError> {
        let queued = started.saturating_duration_since(arrived);
        let mut outputs = Vec::new();
        match self.run(started, (inputs, rows), &mut outputs) {
            Ok(ended) => {
                let nothing = Duration::ZERO;
                let computed = ended.saturating_duration_since(started);
                let execution = Execution { rows, input: nothing, infer: computed, output: nothing, ended };
                // Recorded first: who has an answer finds it counted.
                self.recorder.ran(execution, std::iter::once(queued));
                if observed {
                    self.tap.answered((inputs, rows), &outputs);
                }
                Ok(Answer { outputs, queued, computed, ended, batch_rows: rows })
            }
            Err(error) => {
                self.counters.failed(&error.to_string());
                Err(PredictError::Run(error))
            }
        }
    }

    /// Runs the session once, now: it is `started`. Gives when it had done. A panic is an error, and ends the session that it
    /// happened in.
    pub fn run(
        &mut self,
        started: Instant,
        (inputs, rows): (&[Tensor], usize),
        outputs: &mut Vec<Tensor>,
    ) -> Result<Instant, RunError> {
        let engine = self.engine();
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(fresh(&*self.program)?),
        };
        let result = caught(|| session.run(inputs, outputs));
        let ended = Instant::now();
        self.counters.ran(rows, ended.saturating_duration_since(started));
        let wanted = self.program.signature().outputs.len();
        match result {
            Ok(Ok(())) if outputs.len() == wanted => Ok(ended),
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
    pub fn discard_session(&mut self) {
        let session = self.session.take();
        if let Err(panic) = caught(move || drop(session)) {
            tracing::warn!(engine = self.program.engine().as_str(), "a session panicked while it was freed: {panic}");
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.discard_session();
    }
}

fn fresh(program: &dyn Program) -> Result<Box<dyn Session>, RunError> {
    let failed = |reason: String| RunError { engine: program.engine().as_str(), reason };
    match caught(|| program.session()) {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(failed(format!("no new session after a panic: {error}"))),
        Err(panic) => Err(failed(format!("no new session after a panic: it panicked again: {panic}"))),
    }
}
