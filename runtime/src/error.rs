//! What can go wrong between a file and an answer, as closed sets.

use crate::device::Device;
use servoir_types::Kind;
use std::time::Duration;

/// Why a file is not a model that can be kept: what it is instead and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{found}; {advice}")]
pub struct Unsupported {
    /// What the file is, such as `this is a Python pickle`.
    pub found: String,
    /// What to do, such as `export the model to ONNX with skl2onnx: …`.
    pub advice: String,
}

impl Unsupported {
    /// What was found and what to do about it.
    pub(crate) fn new(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { found: found.into(), advice: advice.into() }
    }
}

/// Why a model could not be loaded, in the engine's words.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)]
pub enum LoadError {
    #[error("{0}")]
    Unsupported(#[from] Unsupported),
    #[error("engine {engine} is not available: {reason}")]
    EngineMissing { engine: String, reason: String },
    #[error("{engine} cannot load this model: {reason}")]
    Rejected { engine: String, reason: String },
    #[error("cannot read the artifact: {0}")]
    Io(String),
    #[error("no device {device}, because {reason}")]
    NoDevice { device: Device, reason: String },
    #[error("there is not enough memory on {device}: {reason}")]
    DeviceMemory { device: Device, reason: String },
}

/// Why a run failed, in the engine's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{engine}: {reason}")]
pub struct RunError {
    /// The engine that failed.
    pub engine: &'static str,
    /// What it said.
    pub reason: String,
}

/// Why a prediction was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)]
pub enum PredictError {
    #[error("{0}")]
    Mismatch(String),
    #[error("the queue of this model is full ({rows} rows wait); try again in {retry_after_seconds} s")]
    QueueFull { rows: usize, retry_after_seconds: u64 },
    #[error(
        "{rows} rows wait, which is forecast to take {forecast:.1?}, longer than the deployment's latency target of \
         {target:.1?}; try again in {retry_after_seconds} s"
    )]
    WaitTooLong { rows: usize, forecast: Duration, target: Duration, retry_after_seconds: u64 },
    #[error(
        "{rows} rows wait, which is forecast to take {forecast:.1?}, longer than the {left:.1?} that this request has left; try \
         again in {retry_after_seconds} s, or allow it more time"
    )]
    DeadlineTooSoon { rows: usize, forecast: Duration, left: Duration, retry_after_seconds: u64 },
    #[error("the deadline passed before the model ran")]
    DeadlineExceeded,
    #[error("the model is being taken down")]
    Closed,
    #[error("the model was asleep and could not be loaded: {reason}; try again in {retry_after_seconds} s")]
    NotLoaded { reason: String, retry_after_seconds: u64 },
    #[error("the engine failed on this input: {0}")]
    Run(#[from] RunError),
}

impl PredictError {
    /// The kind, for status codes. `Mismatch` is [`Kind::Unprocessable`].
    pub fn kind(&self) -> Kind {
        match self {
            Self::Mismatch(_) => Kind::Unprocessable,
            Self::QueueFull { .. } | Self::WaitTooLong { .. } | Self::DeadlineTooSoon { .. } => Kind::Overloaded,
            Self::DeadlineExceeded => Kind::DeadlineExceeded,
            Self::Closed | Self::NotLoaded { .. } => Kind::Unavailable,
            Self::Run(_) => Kind::Internal,
        }
    }
}
