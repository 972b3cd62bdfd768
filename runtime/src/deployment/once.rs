//! Runs of a program beside everything that serves.

use super::check;
use crate::engine::{Program, Session, caught};
use crate::error::{LoadError, PredictError, RunError};
use crate::pool::made_up;
use servoir_types::Tensor;

/// A session beside everything that serves; nothing of it is counted.
pub struct Aside<'p> {
    program: &'p dyn Program,
    session: Box<dyn Session>,
}

impl<'p> Aside<'p> {
    /// Opens a session of its own. Blocking.
    ///
    /// # Errors
    /// When no session can be opened.
    pub fn open(program: &'p dyn Program) -> Result<Self, LoadError> {
        Ok(Self { program, session: program.session()? })
    }

    /// Runs the program. Blocking. After a failure nothing more should be run here.
    ///
    /// # Errors
    /// What a prediction can fail with: inputs that do not fit, and the engine's own failure, a panic among them.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, PredictError> {
        check::rows(self.program.signature(), inputs).map_err(PredictError::Mismatch)?;
        let mut outputs = Vec::new();
        match caught(|| self.session.run(inputs, &mut outputs)) {
            Ok(Ok(())) => Ok(outputs),
            Ok(Err(error)) => Err(PredictError::Run(error)),
            Err(panic) => {
                let reason = format!("panicked: {panic}");
                Err(PredictError::Run(RunError { engine: self.program.engine().as_str(), reason }))
            }
        }
    }
}

/// Runs a program once, on a session of its own that is closed again. Blocking; nothing is counted. A failure to open the
/// session comes first.
///
/// # Errors
/// [`LoadError`] when no session can be opened; then what a prediction can fail with: inputs that do not fit, and the
/// engine's own failure, a panic among them.
pub fn run_once(program: &dyn Program, inputs: &[Tensor]) -> Result<Result<Vec<Tensor>, PredictError>, LoadError> {
    if let Err(mismatch) = check::rows(program.signature(), inputs) {
        return Ok(Err(PredictError::Mismatch(mismatch)));
    }
    Ok(Aside::open(program)?.run(inputs))
}

/// Runs a program once on made-up inputs, zeros of the smallest shape, on a session of its own. Blocking; nothing is counted.
/// What the engine says against the inputs is given back: a model may refuse zeros. So is the session, for who wants to know what
/// it takes.
///
/// # Errors
/// When no session can be opened, or the engine panics.
pub fn try_out(program: &dyn Program) -> Result<(Option<RunError>, Box<dyn Session>), LoadError> {
    let panicked = |panic| {
        let (engine, reason) = (program.engine().as_str().to_owned(), format!("it panicked: {panic}"));
        LoadError::Rejected { engine, reason }
    };
    let mut session = caught(|| program.session()).map_err(panicked)??;
    let Some(inputs) = made_up(program.signature(), 0) else { return Ok((None, session)) };
    let mut outputs = Vec::new();
    let ran = caught(|| session.run(&inputs, &mut outputs)).map_err(panicked)?;
    Ok((ran.err(), session))
}
