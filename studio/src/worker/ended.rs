//! Why a run ended without a model.

use crate::prepare::error::PrepareError;
use crate::train::error::TrainError;

/// Why a run ended without a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It could not be done.
    Failed {
        /// Stable, kebab-case.
        code: &'static str,
        /// For a person.
        message: String,
    },
    /// Somebody asked for the end.
    Cancelled,
}

impl Ended {
    /// A file of the output folder could not be written.
    pub fn unwritable(error: impl std::fmt::Display) -> Self {
        Self::Failed { code: "output-failed", message: format!("the results could not be written: {error}") }
    }
}

impl From<PrepareError> for Ended {
    fn from(error: PrepareError) -> Self {
        Self::Failed { code: error.code(), message: error.to_string() }
    }
}

impl From<TrainError> for Ended {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Cancelled => Self::Cancelled,
            error => Self::Failed { code: error.code(), message: error.to_string() },
        }
    }
}
