//! How a model is to be trained.

use super::access::studio_model;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::{ApiError, FieldError};
use crate::http::etag::{self, IfMatch};
use crate::http::json::{self, Json};
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use servoir_registry::{Role, StudioChange, StudioModel, StudioPart, TaskType};
use servoir_studio::config::{ConfigError, TrainConfig};
use servoir_types::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Learners that only a configured runner brings.
const WITH_RUNNER: [&str; 2] = ["xgboost", "lightgbm"];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read, replace))
}

/// Read the configuration
///
/// How the model is trained, every default filled in.
#[utoipa::path(get, path = "/api/v1/models/{id}/config", operation_id = "getModelConfig", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The whole configuration.", body = TrainConfig, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    Ok((etag::header_of(&model.model), axum::Json(effective(&model)?)).into_response())
}

/// Replace the configuration
///
/// What is absent has its default. Not while the model is trained.
#[utoipa::path(put, path = "/api/v1/models/{id}/config", operation_id = "putModelConfig", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    request_body = TrainConfig,
    responses((status = 200, description = "The whole configuration.", body = TrainConfig, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`run-in-progress`: the model is being trained."),
        (status = 412, description = "`stale`: the model has changed since."),
        (status = 422, description = "`target-among-features`, `wrong-task`, `no-runner`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn replace(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
    Json(given): Json<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?;
    let config = checked(given, model.task_type, "")?;
    let change = StudioChange { config: Some(stored(&config)?), ..StudioChange::default() };
    let at = (&model.model.id, condition.revision_of(&model.model)?);
    let edit = |_: &StudioModel| Ok::<_, ApiError>(change);
    let changed = app.registry.change_studio_model(&caller.actor, at, StudioPart::Config, edit).await?;
    Ok((etag::header_of(&changed.model), axum::Json(config)).into_response())
}

/// How a model is trained, every default filled in.
///
/// # Errors
/// When what is kept of it cannot be read.
pub fn effective(model: &StudioModel) -> Result<TrainConfig, ApiError> {
    let config = serde_json::from_value(Value::Object(model.config.clone()));
    config.map_err(|error| ApiError::internal(format!("the configuration of '{}': {error}", model.model.id)))
}

/// What the registry keeps of a configuration: all of it, so that a later default changes no model.
///
/// # Errors
/// When it has no form in JSON, which no configuration that was read from JSON has.
pub fn stored(config: &TrainConfig) -> Result<Map<String, Value>, ApiError> {
    match serde_json::to_value(config).map_err(ApiError::internal)? {
        Value::Object(stored) => Ok(stored),
        other => Err(ApiError::internal(format!("a configuration is written as {other}"))),
    }
}

/// A configuration with some of its fields replaced; `null` puts a default back.
pub fn merged(config: &Map<String, Value>, patch: Map<String, Value>) -> Map<String, Value> {
    let mut merged = config.clone();
    for (field, value) in patch {
        match value {
            Value::Null => drop(merged.remove(&field)),
            value => drop(merged.insert(field, value)),
        }
    }
    merged
}

/// A configuration as a caller gave it. `root` is the JSON pointer to it.
///
/// # Errors
/// 400 `validation` with every value that is out of its range; 422 `no-runner`, `target-among-features`, `wrong-task`.
pub fn checked(given: Map<String, Value>, task: Option<TaskType>, root: &str) -> Result<TrainConfig, ApiError> {
    if let Some(algorithm) = given.get("algorithm").and_then(Value::as_str).filter(|name| WITH_RUNNER.contains(name)) {
        let detail = format!("'{algorithm}' needs a runner, and this server has none for it; take gradient_boosting");
        return Err(ApiError::new(Kind::Unprocessable, "no-runner", detail));
    }
    let config: TrainConfig = json::from_value(Value::Object(given), root)?;
    let refused = match config.check(task.map(Into::into)) {
        Ok(()) => return Ok(config),
        Err(refused) => refused,
    };
    let code = match refused {
        ConfigError::OutOfRange(fields) => {
            let field = |(pointer, detail)| FieldError { pointer: format!("{root}{pointer}"), detail };
            return Err(ApiError::validation(fields.into_iter().map(field).collect()));
        }
        ConfigError::TargetAmongFeatures(_) => "target-among-features",
        ConfigError::WrongTask { .. } => "wrong-task",
    };
    Err(ApiError::new(Kind::Unprocessable, code, refused.to_string()))
}
