//! Why nothing was learned.

/// Why nothing was learned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// A hyperparameter is unknown or out of range.
    #[error("{0}")]
    Hyperparameter(String),
    /// The learner is not one of the task.
    #[error("{0}")]
    WrongTask(String),
    /// The learner could not do it.
    #[error("{0}")]
    Learner(String),
    /// Somebody asked for the end.
    #[error("cancelled")]
    Cancelled,
}

impl TrainError {
    /// The code of a run that failed for it: stable, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Hyperparameter(_) => "invalid-hyperparameter",
            Self::WrongTask(_) => "invalid-config",
            Self::Learner(_) => "training-failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<hessboost::prelude::HessboostError> for TrainError {
    fn from(error: hessboost::prelude::HessboostError) -> Self {
        Self::Learner(error.to_string())
    }
}
