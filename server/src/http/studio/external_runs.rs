//! Runs that go on elsewhere, such as in a notebook: opened, fed and ended over REST, and followed like any other.

use super::access::studio_model;
use super::choices::optional_level_schema;
use super::run_view::TrainingRun;
use super::runs::of_model;
use super::train::{LABEL_CHARS_MAX, TIMEOUT_DEFAULT, TIMEOUTS};
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::StudioWrite;
use crate::error::ApiError;
use crate::http::fields::{Fields, segment};
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use servoir_registry::{Failure, NewRun, Priority, Role, Run};
use servoir_studio::event::{Event, Level};
use servoir_studio::runs::frame::{METRIC_NAME_BYTES_MAX, METRICS_MAX, TEXT_BYTES_MAX, bounded, unnumbered};
use servoir_types::{Kind, Timestamp};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most frames of an external run.
const FRAMES_MAX: i64 = 100_000;
/// The most numbers that a run ends with.
const FINAL_METRICS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(open)).routes(routes!(metrics)).routes(routes!(log)).routes(routes!(complete))
}

/// What an external run is to be like.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenRun {
    /// Always `true`: `POST /api/v1/models/{id}/train` begins runs here.
    #[schema(schema_with = always_schema)]
    external: bool,
    /// For a person; at most 256 characters.
    #[serde(default)]
    #[schema(max_length = 256)]
    run_label: Option<String>,
    /// What it was configured with, as somebody wants to remember it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    /// The run counts as interrupted when nothing was heard of it for so many seconds, from 1 to 604800; 3600 when not
    /// given.
    #[serde(default, deserialize_with = "crate::http::whole::optional")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<i64>,
}

/// A round's numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundMetrics {
    /// From 1.
    #[serde(deserialize_with = "crate::http::whole::required")]
    #[schema(minimum = 1)]
    epoch: u64,
    /// How many there will be; the epoch itself when not given.
    #[serde(default, deserialize_with = "crate::http::whole::optional")]
    #[schema(minimum = 1)]
    total_epochs: Option<u64>,
    /// By name; at most 32.
    metrics: BTreeMap<String, f64>,
}

/// A line of the log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogLine {
    /// `debug`, `info`, `warning` or `error`; `info` when not given.
    #[serde(default)]
    #[schema(schema_with = optional_level_schema)]
    level: Option<Level>,
    /// At most 2048 bytes.
    #[schema(min_length = 1, max_length = 2048)]
    message: String,
}

/// The ways in which a run ends.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Ending {
    #[default]
    Completed,
    Failed,
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRun {
    /// `completed` when not given.
    #[serde(default)]
    status: Option<Ending>,
    /// Numbers, texts and truth values by name; at most 256.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    metrics: Option<Map<String, Value>>,
    /// Why it failed, for a person.
    #[serde(default)]
    message: Option<String>,
}

/// A frame that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Taken {
    run_id: String,
    /// Its number.
    seq: i64,
}

/// The schema of a field that is always true.
fn always_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

/// Open an external run
///
/// A run that goes on elsewhere: it is running from now on, and fed at `metrics`, `logs` and `complete` below it. Readers
/// follow it like any other.
#[utoipa::path(post, path = "/api/v1/models/{id}/runs", operation_id = "openExternalRun", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = OpenRun,
    responses((status = 201, description = "It is running.", body = TrainingRun, headers(("Location" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`run-in-progress` or `model-archived`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn open(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    Json(request): Json<OpenRun>,
) -> Result<Response, ApiError> {
    let mut fields = Fields::default();
    if !request.external {
        fields
            .wrong("/external", "is always true here; POST /api/v1/models/{id}/train begins a run of the server's own");
    }
    fields.no_longer_than("/run_label", request.run_label.as_deref().unwrap_or_default(), LABEL_CHARS_MAX);
    let timeout_seconds = request.timeout_seconds.unwrap_or(TIMEOUT_DEFAULT);
    fields.within("/timeout_seconds", timeout_seconds, &TIMEOUTS);
    fields.finish()?;
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let new = NewRun {
        external: true,
        label: request.run_label,
        priority: Priority::Normal,
        timeout_seconds,
        config: Value::Object(request.config.unwrap_or_default()),
        dataset: None,
    };
    let run = app.registry.create_run(&caller.actor, &model.id, new).await?;
    let location = format!("/api/v1/models/{}/runs/{}", run.model, run.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(TrainingRun::from(run))).into_response())
}

/// Feed an external run with metrics
///
/// A round's numbers: the frame `metrics` of the run.
#[utoipa::path(post, path = "/api/v1/models/{id}/runs/{run_id}/metrics", operation_id = "feedRunMetrics", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("run_id" = String, Path, description = "The run's id.")),
    request_body = RoundMetrics,
    responses((status = 200, description = "Kept, and told to everybody who follows.", body = Taken),
        (status = 404, description = "`not-found`: no such model or run."),
        (status = 409, description = "`run-ended`."),
        (status = 422, description = "`run-not-external`, or `run-full`: it has as many frames as are kept.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn metrics(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, run)): OnlyPath<(String, String)>,
    Json(request): Json<RoundMetrics>,
) -> Result<axum::Json<Taken>, ApiError> {
    let RoundMetrics { epoch, total_epochs, metrics } = request;
    let mut fields = Fields::default();
    if epoch == 0 {
        fields.wrong("/epoch", "is 0; epochs begin with 1");
    }
    let total_epochs = total_epochs.unwrap_or(epoch);
    if total_epochs < epoch {
        fields.wrong("/total_epochs", format!("is {total_epochs}, fewer than the epoch {epoch}"));
    }
    if metrics.len() > METRICS_MAX {
        fields.wrong("/metrics", format!("has {} entries; {METRICS_MAX} are allowed", metrics.len()));
    }
    for name in metrics.keys().filter(|name| name.len() > METRIC_NAME_BYTES_MAX) {
        let detail = format!("has a name of {} bytes; {METRIC_NAME_BYTES_MAX} are allowed", name.len());
        fields.wrong(format!("/metrics/{}", segment(name)), detail);
    }
    fields.finish()?;
    let run = external(&app, &caller, &id, run).await?;
    feed(&app, &run, Event::Metrics { epoch, total_epochs, candidate: None, metrics }).await
}

/// Feed an external run's log
///
/// A line of the log: the frame `log` of the run.
#[utoipa::path(post, path = "/api/v1/models/{id}/runs/{run_id}/logs", operation_id = "feedRunLog", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("run_id" = String, Path, description = "The run's id.")),
    request_body = LogLine,
    responses((status = 200, description = "Kept, and told to everybody who follows.", body = Taken),
        (status = 404, description = "`not-found`: no such model or run."),
        (status = 409, description = "`run-ended`."),
        (status = 422, description = "`run-not-external`, or `run-full`: it has as many frames as are kept.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn log(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, run)): OnlyPath<(String, String)>,
    Json(request): Json<LogLine>,
) -> Result<axum::Json<Taken>, ApiError> {
    if request.message.is_empty() || request.message.len() > TEXT_BYTES_MAX {
        let detail = format!("has {} bytes; from 1 to {TEXT_BYTES_MAX} are allowed", request.message.len());
        return Err(ApiError::field("/message", detail));
    }
    let run = external(&app, &caller, &id, run).await?;
    feed(&app, &run, Event::Log { level: request.level.unwrap_or(Level::Info), message: request.message }).await
}

/// End an external run
///
/// The run's last frame: it was completed, has failed, or was cancelled.
#[utoipa::path(post, path = "/api/v1/models/{id}/runs/{run_id}/complete", operation_id = "completeExternalRun",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("run_id" = String, Path, description = "The run's id.")),
    request_body = CompleteRun,
    responses((status = 200, description = "The run as it is now.", body = TrainingRun),
        (status = 404, description = "`not-found`: no such model or run."),
        (status = 409, description = "`run-ended`: it had ended already."),
        (status = 422, description = "`run-not-external`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn complete(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, run)): OnlyPath<(String, String)>,
    Json(request): Json<CompleteRun>,
) -> Result<axum::Json<TrainingRun>, ApiError> {
    let metrics = request.metrics.unwrap_or_default();
    let message = request.message.unwrap_or_default();
    let mut fields = Fields::default();
    fields.no_longer_than("/message", &message, TEXT_BYTES_MAX);
    if metrics.len() > FINAL_METRICS_MAX {
        fields.wrong("/metrics", format!("has {} entries; {FINAL_METRICS_MAX} are allowed", metrics.len()));
    }
    for (name, _) in metrics.iter().filter(|(_, value)| value.is_array() || value.is_object()) {
        fields.wrong(format!("/metrics/{}", segment(name)), "is neither a number, a text nor a truth value");
    }
    fields.finish()?;
    let run = external(&app, &caller, &id, run).await?;
    let (registry, actor) = (&app.registry, &caller.actor);
    match request.status.unwrap_or_default() {
        Ending::Failed => registry.fail_run(actor, &run, Failure { code: "failed".to_owned(), message }).await?,
        Ending::Cancelled => registry.cancel_run(actor, &run, None).await?,
        Ending::Completed => registry.complete_external_run(actor, &run, &metrics).await?,
    }
    app.runs.poke(&run.id);
    Ok(axum::Json(registry.run_by_id(&run.id).await?.into()))
}

async fn external(app: &App, caller: &Caller<StudioWrite>, id: &str, run: String) -> Result<Run, ApiError> {
    let model = studio_model(app, caller, id, Role::Editor).await?.model;
    let run = of_model(app, &model.organization, &model.id, Some(run)).await?;
    if !run.external {
        let detail = format!("run '{}' goes on here; only runs that were opened as external are fed", run.id);
        return Err(ApiError::new(Kind::Unprocessable, "run-not-external", detail));
    }
    Ok(run)
}

async fn feed(app: &App, run: &Run, event: Event) -> Result<axum::Json<Taken>, ApiError> {
    if run.last_frame >= FRAMES_MAX {
        let detail = format!("run '{}' has {FRAMES_MAX} frames; no more are kept", run.id);
        return Err(ApiError::new(Kind::Unprocessable, "run-full", detail));
    }
    let frame = unnumbered(Timestamp::now(), &bounded(event)).map_err(ApiError::internal)?;
    let seq = app.registry.append_frames(&run.id, None, &[frame], None).await?;
    app.runs.poke(&run.id);
    Ok(axum::Json(Taken { run_id: run.id.to_string(), seq }))
}
