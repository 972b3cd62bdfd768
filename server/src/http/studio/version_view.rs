//! A version as the Studio shows it.

use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::{StudioModel, TracedVersion, VersionState};
use servoir_types::{Timestamp, VersionId};
use utoipa::ToSchema;

/// A version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioVersion)]
pub struct Version {
    /// `ver_…`.
    pub version_id: String,
    /// `model_…`.
    pub model_id: String,
    /// From 1.
    #[schema(minimum = 1)]
    pub version_number: i64,
    /// Whether it is the model's best.
    pub is_promoted: bool,
    /// `in-progress`, `ready` or `failed`.
    pub status: &'static str,
    /// Which learner made it; `null` for what was not trained here, in this and the next two.
    #[schema(required)]
    pub algorithm: Option<String>,
    /// Every one, defaults filled in.
    pub hyperparameters: Map<String, Value>,
    /// Of the test rows, or as they were given.
    pub metrics: Map<String, Value>,
    /// The files that can be downloaded.
    pub artifacts: Artifacts,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub trained_at: Timestamp,
    /// Who asked for it.
    pub trained_by: String,
    /// Of the run.
    #[schema(required)]
    pub training_duration_seconds: Option<f64>,
    /// Where it comes from; `null` for what was not trained here.
    #[schema(required)]
    pub lineage: Option<Lineage>,
}

/// A version's files, by name; `null`: not made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VersionArtifacts)]
pub struct Artifacts {
    /// The learner's own form, or what was uploaded.
    #[schema(required)]
    pub model_file: Option<String>,
    /// With everything that belongs to it, for any ONNX runtime.
    #[schema(required)]
    pub onnx_file: Option<String>,
}

/// What a version was made from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lineage {
    /// The run that made it.
    pub run_id: String,
    /// The dataset, which may be gone since.
    #[schema(required)]
    pub dataset_id: Option<String>,
    /// Of the dataset's bytes.
    pub dataset_sha256: String,
    /// The whole configuration of the run, the seed included.
    #[schema(value_type = Object)]
    pub config: Value,
}

impl Version {
    /// A version of `model`.
    pub fn of(model: &StudioModel, traced: TracedVersion) -> Self {
        let TracedVersion { version, training, native } = traced;
        let id = VersionId { model: version.model.clone(), number: version.version };
        let artifacts = Artifacts::of(&model.model.name, &version, native.as_ref().map(|file| file.format.as_str()));
        let seconds = training.as_ref().map(|training| training.duration_ms as f64 / 1000.0);
        let (algorithm, hyperparameters, lineage) = match training {
            Some(training) => {
                let lineage = Lineage {
                    run_id: training.run.to_string(),
                    dataset_id: training.dataset,
                    dataset_sha256: training.dataset_digest.to_hex(),
                    config: training.config,
                };
                (Some(training.algorithm), training.hyperparameters, Some(lineage))
            }
            None => (None, Map::new(), None),
        };
        Self {
            version_id: id.to_string(),
            model_id: version.model.to_string(),
            version_number: version.version,
            is_promoted: model.promoted_version == Some(version.version),
            status: match version.state {
                VersionState::Pending => "in-progress",
                VersionState::Ready => "ready",
                VersionState::Rejected => "failed",
            },
            algorithm,
            hyperparameters,
            metrics: version.metrics,
            artifacts,
            trained_at: version.created_at,
            trained_by: version.created_by,
            training_duration_seconds: seconds,
            lineage,
        }
    }
}

impl Artifacts {
    fn of(name: &servoir_types::Name, version: &servoir_registry::Version, native: Option<&str>) -> Self {
        let file = |format: &str| Some(artifact_name(name, version.version, format));
        match (version.format.as_str(), native) {
            ("onnx", native) => Self { model_file: native.and_then(file), onnx_file: file("onnx") },
            (format, _) => Self { model_file: file(format), onnx_file: None },
        }
    }
}

pub use crate::http::registry::artifact_name;
