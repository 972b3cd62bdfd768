//! How a run is doing, or did: its numbers over the epochs, and what it took.

use super::access::studio_model;
use super::run_view::{RunFailure, version_id};
use super::runs::{of_model, run_id};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::{Role, Run};
use servoir_studio::event::Phase;
use servoir_studio::runs::live::leaderboard;
use servoir_types::Timestamp;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a metric's name.
const METRIC_CHARS_MAX: usize = 128;

/// The routes of this file, each under both its names.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(metrics))
        .routes(routes!(details))
        .route("/api/v1/models/{id}/training/metrics", get(metrics))
        .route("/api/v1/models/{id}/training/metrics/details", get(details))
}

/// Which numbers of which run.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct MetricsParams {
    /// The latest run when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    run_id: Option<String>,
    /// This metric alone.
    #[param(required = false, max_length = 128, pattern = r"^[^\u0000]*$")]
    metric: Option<String>,
    /// At most so many points, the first and the last among them.
    #[param(required = false, minimum = 1, maximum = 512, default = 50)]
    resolution: i64,
}

impl FromQuery for MetricsParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            run_id: run_id(values),
            metric: values.text("metric", METRIC_CHARS_MAX),
            resolution: values.integer("resolution", 50, &(1..=512)),
        }
    }
}

/// Which run.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RunParams {
    /// The latest run when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    pub run_id: Option<String>,
}

impl FromQuery for RunParams {
    fn from_query(values: &mut Values) -> Self {
        Self { run_id: run_id(values) }
    }
}

/// A run's numbers over the epochs.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingMetrics {
    model_id: String,
    run_id: String,
    /// `queued`, `running`, `completed`, `failed` or `cancelled`.
    status: &'static str,
    /// The stage that it is in.
    #[schema(value_type = Option<String>)]
    phase: Option<Phase>,
    /// Of the whole run, in per cent.
    progress: f64,
    /// The epochs of the points.
    epochs: Vec<u64>,
    /// By name, a number for each point; `null` where there is none. Of a search: the candidate that goes on, and when all
    /// have ended the best one.
    metrics: BTreeMap<String, Vec<Option<f64>>>,
    epochs_completed: u64,
    total_epochs: u64,
}

/// What a run took, and what it made.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingDetails {
    model_id: String,
    run_id: String,
    status: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// From its start to its end, or to now.
    duration_seconds: Option<f64>,
    /// Seconds by stage.
    #[schema(value_type = Object)]
    stage_durations: Value,
    /// Of one processor, in per cent.
    #[schema(value_type = Option<f64>)]
    peak_cpu_percent: Value,
    #[schema(value_type = Option<f64>)]
    cpu_seconds: Value,
    #[schema(value_type = Option<u64>)]
    peak_memory_bytes: Value,
    /// How many rows trained, chose and judged.
    #[schema(value_type = Option<Object>)]
    rows_used: Value,
    #[schema(value_type = Option<String>)]
    final_algorithm: Value,
    version_id: Option<String>,
    /// The candidates of the search, the best first.
    #[schema(value_type = Vec<Object>)]
    leaderboard: Value,
    failure: Option<RunFailure>,
}

/// Read a run's metrics
///
/// The numbers of a run over its epochs, while it goes on and afterwards. Also at `/training/metrics`.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics", operation_id = "readTrainingMetrics", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), MetricsParams),
    responses((status = 200, description = "The numbers so far.", body = TrainingMetrics),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn metrics(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<MetricsParams>,
) -> Result<axum::Json<TrainingMetrics>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let run = of_model(&app, &model.organization, &model.id, query.run_id).await?;
    let best = leaderboard(&run).into_iter().find(|candidate| candidate.algorithm.is_some());
    let best = best.filter(|_| !run.status.is_active()).map(|candidate| candidate.name);
    let state = match &best {
        Some(name) => {
            // A run of one candidate alone does not name it.
            let of_best = app.runs.state(&run.id, Some(name)).await?;
            if of_best.epochs().0 > 0 { of_best } else { app.runs.state(&run.id, None).await? }
        }
        None => app.runs.state(&run.id, None).await?,
    };
    let arrays = state.arrays(usize::try_from(query.resolution).unwrap_or(1), query.metric.as_deref());
    let (epochs_completed, total_epochs) = state.epochs();
    let (phase, progress) = state.progress();
    Ok(axum::Json(TrainingMetrics {
        model_id: run.model.to_string(),
        run_id: run.id.to_string(),
        status: run.status.text(),
        phase,
        progress,
        epochs: arrays.epochs,
        metrics: arrays.metrics,
        epochs_completed,
        total_epochs,
    }))
}

/// Read a run's details
///
/// What a run took (time by stage, processor, memory, rows) and what it made. Also at `/training/metrics/details`.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics/details", operation_id = "readTrainingDetails",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), RunParams),
    responses((status = 200, description = "The details so far.", body = TrainingDetails),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn details(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<RunParams>,
) -> Result<axum::Json<TrainingDetails>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let run = of_model(&app, &model.organization, &model.id, query.run_id).await?;
    Ok(axum::Json(run.into()))
}

impl From<Run> for TrainingDetails {
    fn from(run: Run) -> Self {
        let end = run.finished_at.unwrap_or_else(Timestamp::now);
        let millis = run.started_at.map(|start| end.as_millis() - start.as_millis());
        let detail = |name: &str| run.details.get(name).cloned().unwrap_or(Value::Null);
        let or = |value: Value, otherwise: Value| if value.is_null() { otherwise } else { value };
        Self {
            version_id: version_id(&run),
            model_id: run.model.to_string(),
            run_id: run.id.to_string(),
            status: run.status.text(),
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            duration_seconds: millis.map(|millis| millis as f64 / 1e3),
            stage_durations: or(detail("stage_seconds"), Value::Object(Map::new())),
            peak_cpu_percent: detail("peak_cpu_percent"),
            cpu_seconds: detail("cpu_seconds"),
            peak_memory_bytes: detail("peak_memory_bytes"),
            rows_used: detail("rows_used"),
            final_algorithm: detail("final_algorithm"),
            leaderboard: or(detail("leaderboard"), Value::Array(Vec::new())),
            failure: run.failure.map(Into::into),
        }
    }
}
