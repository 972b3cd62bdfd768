//! One run of a program beside everything that serves.

use super::check;
use crate::engine::{Program, caught};
use crate::error::{LoadError, PredictError, RunError};
use servoir_types::Tensor;

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
    let mut session = program.session()?;
    let mut outputs = Vec::new();
    let ran = caught(|| session.run(inputs, &mut outputs));
    Ok(match ran {
        Ok(Ok(())) => Ok(outputs),
        Ok(Err(error)) => Err(PredictError::Run(error)),
        Err(panic) => {
            Err(PredictError::Run(RunError { engine: program.engine().as_str(), reason: format!("panicked: {panic}") }))
        }
    })
}
