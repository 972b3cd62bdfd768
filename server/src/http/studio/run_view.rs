//! A run as the API shows it.

use serde::Serialize;
use serde_json::Value;
use servoir_registry::Run;
use servoir_types::{Timestamp, VersionId};
use utoipa::ToSchema;

/// A run of training.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingRun {
    run_id: String,
    model_id: String,
    /// `queued`, `running`, `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// Whether it goes on elsewhere.
    external: bool,
    run_label: Option<String>,
    /// `low`, `normal` or `high`.
    priority: &'static str,
    /// How long it may take; an external run, how long it may be silent.
    timeout_seconds: i64,
    dataset_id: Option<String>,
    /// The whole effective configuration.
    #[schema(value_type = Object)]
    config: Value,
    /// The version that it made.
    version_id: Option<String>,
    /// Why it did not end well.
    failure: Option<RunFailure>,
    /// The number of its newest frame.
    last_seq: i64,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// Why a run did not end well.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunFailure {
    /// Stable: `interrupted`, `timed-out`, `out-of-memory`, `crashed`, or one of training's own.
    code: String,
    /// For a person.
    message: String,
}

impl From<servoir_registry::Failure> for RunFailure {
    fn from(failure: servoir_registry::Failure) -> Self {
        Self { code: failure.code, message: failure.message }
    }
}

/// The id of the version that a run made.
pub fn version_id(run: &Run) -> Option<String> {
    run.version.map(|number| VersionId { model: run.model.clone(), number }.to_string())
}

impl From<Run> for TrainingRun {
    fn from(run: Run) -> Self {
        Self {
            version_id: version_id(&run),
            run_id: run.id.to_string(),
            model_id: run.model.to_string(),
            status: run.status.text(),
            external: run.external,
            run_label: run.label,
            priority: run.priority.text(),
            timeout_seconds: run.timeout_seconds,
            dataset_id: run.dataset,
            config: run.config,
            failure: run.failure.map(Into::into),
            last_seq: run.last_frame,
            created_by: run.created_by,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}
