//! What a run has written: a page of its log, or all of it as a file.

use super::access::studio_model;
use super::choices::{LEVELS, level_schema};
use super::runs::{of_model, run_id};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::openapi::texts::one_of;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::header;
use serde::Serialize;
use serde_json::Value;
use servoir_registry::{Frame, LogFilter, Registry, RegistryError, Role};
use servoir_studio::event::Level;
use servoir_studio::runs::frame::level_number;
use servoir_types::{RunId, Timestamp};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Lines in one page when the caller does not say.
const LINES_DEFAULT: i64 = 500;
/// The most lines in one page.
const LINES_MAX: i64 = 5000;
/// Lines of a file that are read from the registry at once.
const BLOCK_LINES: i64 = 1000;

/// The routes of this file, each under both its names.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(logs))
        .routes(routes!(download))
        .route("/api/v1/models/{id}/training/metrics/logs", get(logs))
        .route("/api/v1/models/{id}/training/metrics/logs/download", get(download))
}

/// Which lines of which run.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogParams {
    /// The latest run when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    run_id: Option<String>,
    /// This loud or louder: `debug`, `info`, `warning` or `error`.
    #[param(required = false, schema_with = level_schema, value_type = Option<String>)]
    level: Option<Level>,
    /// At most so many lines.
    #[param(required = false, minimum = 1, maximum = 5000, default = 500)]
    limit: i64,
    /// After so many lines.
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
    /// Counted from the end: the newest lines, in their order.
    #[param(required = false, default = false)]
    tail: bool,
}

impl FromQuery for LogParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            run_id: run_id(values),
            level: values.choice("level", LEVELS),
            limit: values.integer("limit", LINES_DEFAULT, &(1..=LINES_MAX)),
            offset: values.integer("offset", 0, &(0..=i64::MAX)),
            tail: values.choice("tail", &[("true", true), ("false", false)]).unwrap_or(false),
        }
    }
}

/// Which lines, in which form.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct DownloadParams {
    /// The latest run when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    run_id: Option<String>,
    /// This loud or louder: `debug`, `info`, `warning` or `error`.
    #[param(required = false, schema_with = level_schema, value_type = Option<String>)]
    level: Option<Level>,
    /// `txt`, or `json` for a line of JSON each.
    #[param(required = false, schema_with = format_schema, value_type = Option<String>)]
    format: LogFormat,
}

/// The form of a file of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

const FORMATS: &[(&str, LogFormat)] = &[("txt", LogFormat::Text), ("json", LogFormat::Json)];

impl FromQuery for DownloadParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            run_id: run_id(values),
            level: values.choice("level", LEVELS),
            format: values.choice("format", FORMATS).unwrap_or(LogFormat::Text),
        }
    }
}

fn format_schema() -> Object {
    one_of(FORMATS)
}

/// A page of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingLogs {
    model_id: String,
    run_id: String,
    /// How many lines there are of this level or louder.
    total: i64,
    limit: i64,
    offset: i64,
    lines: Vec<TrainingLogLine>,
}

/// A line of a run's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrainingLogLine {
    /// The number of its frame.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// `debug`, `info`, `warning` or `error`.
    level: String,
    message: String,
}

impl From<Frame> for TrainingLogLine {
    fn from(frame: Frame) -> Self {
        let text = |name: &str| frame.body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { seq: frame.sequence, timestamp: frame.at, level: text("level"), message: text("message") }
    }
}

/// Read a run's log
///
/// A page of the lines that the run has written. Also at `/training/metrics/logs`.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics/logs", operation_id = "readTrainingLogs", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), LogParams),
    responses((status = 200, description = "A page of lines.", body = TrainingLogs),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn logs(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<LogParams>,
) -> Result<axum::Json<TrainingLogs>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let run = of_model(&app, &model.organization, &model.id, query.run_id).await?;
    let LogParams { level, limit, offset, tail, .. } = query;
    let filter = LogFilter { level_min: least(level), limit, offset, from_end: tail };
    let (total, lines) = app.registry.run_log(&run.id, filter).await?;
    let lines = lines.into_iter().map(Into::into).collect();
    Ok(axum::Json(TrainingLogs {
        model_id: run.model.to_string(),
        run_id: run.id.to_string(),
        total,
        limit,
        offset,
        lines,
    }))
}

/// Download a run's log
///
/// Every line that the run has written, as a file. Also at `/training/metrics/logs/download`.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics/logs/download", operation_id = "downloadTrainingLogs",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), DownloadParams),
    responses((status = 200, description = "The file.", content((String = "text/plain"), (String = "application/x-ndjson")),
            headers(("Content-Disposition" = String))),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn download(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<DownloadParams>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let run = of_model(&app, &model.organization, &model.id, query.run_id).await?;
    let (media, extension) = match query.format {
        LogFormat::Text => ("text/plain; charset=utf-8", "log"),
        LogFormat::Json => ("application/x-ndjson", "ndjson"),
    };
    let file = File { registry: app.registry.clone(), level_min: least(query.level), format: query.format };
    let name = format!("attachment; filename=\"{}.{extension}\"", run.id);
    let blocks = stream::try_unfold((file, run.id, 0), |(file, run, offset)| async move {
        let block = file.block(&run, offset).await?;
        Ok::<_, RegistryError>(block.map(|bytes| (bytes, (file, run, offset + BLOCK_LINES))))
    });
    let headers = [(header::CONTENT_TYPE, media.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(blocks)).into_response())
}

/// A log on its way out.
struct File {
    registry: Registry,
    level_min: i64,
    format: LogFormat,
}

impl File {
    async fn block(&self, run: &RunId, offset: i64) -> Result<Option<Bytes>, RegistryError> {
        let filter = LogFilter { level_min: self.level_min, limit: BLOCK_LINES, offset, from_end: false };
        let (_, frames) = self.registry.run_log(run, filter).await?;
        let mut text = String::new();
        for line in frames.into_iter().map(TrainingLogLine::from) {
            match self.format {
                LogFormat::Text => {
                    text.push_str(&format!("{} {:<7} {}\n", line.timestamp, line.level, line.message));
                }
                LogFormat::Json => {
                    let line = serde_json::to_string(&line);
                    text.push_str(&line.map_err(|error| RegistryError::Inconsistent(error.to_string()))?);
                    text.push('\n');
                }
            }
        }
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

fn least(level: Option<Level>) -> i64 {
    level.map_or(0, level_number)
}
