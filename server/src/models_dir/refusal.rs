//! Why a model of a folder, or one of its versions, cannot be served.

use super::config_file::ConfigError;
use crate::error::ApiError;
use crate::preflight;
use crate::reconcile::NoRoom;
use servoir_runtime::LoadError;
use servoir_types::Kind;
use std::path::{Path, PathBuf};

/// Why a model, or one of its versions, cannot be served; worded for the person who keeps the folder.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    /// The folder does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// Which folder or file.
        path: PathBuf,
        /// What was expected and what is there.
        reason: String,
    },
    /// The model's configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No engine serves the model file.
    #[error("{}: {error}", path.display())]
    Load {
        /// The model file.
        path: PathBuf,
        /// What the engine says.
        error: LoadError,
    },
    /// The model file did not pass its preflight.
    #[error("{}: {failed}", path.display())]
    Preflight {
        /// The model file.
        path: PathBuf,
        /// Why.
        failed: preflight::Failed,
    },
    /// All models together would take more memory than they may.
    #[error(transparent)]
    Memory(#[from] NoRoom),
    /// The thread that loaded it ended before it was done.
    #[error("loading ended abnormally")]
    Aborted,
}

impl Refusal {
    /// A folder or file that is not what it should be.
    pub fn folder(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Folder { path: path.to_owned(), reason: reason.to_string() }
    }

    /// What a caller who asked for the model is told.
    pub fn to_api_error(&self, model: &str) -> ApiError {
        let detail = format!("model '{model}' cannot be served: {self}");
        if let Self::Memory(no_room) = self {
            return no_room.clone().into();
        }
        if let Self::Load { error: error @ LoadError::DeviceMemory { .. }, .. } = self {
            return ApiError { detail, ..error.clone().into() };
        }
        ApiError::new(Kind::Unprocessable, "model-refused", detail)
    }
}
