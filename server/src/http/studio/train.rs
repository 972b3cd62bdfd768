//! Training: a run into the queue, and out of it again.

use super::access::studio_model;
use super::choices::optional_priority_schema;
use super::config::{checked, merged};
use super::run_view::TrainingRun;
use super::runs::of_model;
use super::training_config::require_columns;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioWrite;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::json::OptionalJson;
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use servoir_registry::{Actor, AssetType, ModelType, NewRun, Priority, Role, Run, StudioModel};
use servoir_types::Kind;
use std::ops::RangeInclusive;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long a run may take, in seconds.
pub const TIMEOUTS: RangeInclusive<i64> = 1..=7 * 24 * 3600;
/// How long a run may take when nobody says.
pub const TIMEOUT_DEFAULT: i64 = 3600;
/// The most characters of a run's label.
pub const LABEL_CHARS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(train)).routes(routes!(cancel))
}

/// What a run is to be like.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainModel {
    /// Parts of the configuration that are otherwise in this run.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    config_override: Option<Map<String, Value>>,
    /// For a person; at most 256 characters.
    #[serde(default)]
    #[schema(max_length = 256)]
    run_label: Option<String>,
    /// `low`, `normal` or `high`; of those that wait, which goes first.
    #[serde(default)]
    #[schema(schema_with = optional_priority_schema)]
    priority: Option<String>,
    /// The run is cancelled after so many seconds, from 1 to 604800; 3600 when not given.
    #[serde(default, deserialize_with = "crate::http::whole::optional")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<i64>,
}

/// Which run is to be cancelled.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelTraining {
    /// The latest when not given.
    #[serde(default)]
    run_id: Option<String>,
}

/// Train a model
///
/// Puts a run into the queue. It learns from the linked dataset as the configuration says, with what `config_override`
/// changes of it, and makes a version. Follow it at `/api/v1/models/{id}/training-metrics`, or by WebSocket.
#[utoipa::path(post, path = "/api/v1/models/{id}/train", operation_id = "trainModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<TrainModel>,
    responses((status = 202, description = "Queued.", body = TrainingRun, headers(("Location" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`run-in-progress` or `model-archived`."),
        (status = 422, description = "`no-dataset`, `no-task`, `no-target`, `columns-missing`, `no-script` and `no-runner` for custom models, or a configuration that cannot be.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn train(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<TrainModel>,
) -> Result<Response, ApiError> {
    let found = studio_model(&app, &caller, &id, Role::Editor).await?;
    let run = begin(&app, &caller.actor, &found, request).await?;
    let location = format!("/api/v1/models/{}/runs/{}", run.model, run.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], axum::Json(TrainingRun::from(run))).into_response())
}

/// Puts a run into the queue.
///
/// # Errors
/// 400 for what is out of its range, 409 with a run in progress, 422 for what cannot be trained.
pub async fn begin(app: &SharedApp, actor: &Actor, found: &StudioModel, request: TrainModel) -> Result<Run, ApiError> {
    let (priority, timeout_seconds) = request.check()?;
    let config = merged(&found.config, request.config_override.unwrap_or_default());
    let config = checked(config, found.task_type, "/config_override")?;
    if found.task_type.is_none() {
        let detail = "the model says neither classification nor regression: make it with a 'task_type'";
        return Err(ApiError::new(Kind::Unprocessable, "no-task", detail));
    }
    let dataset = app.registry.linked_for_training(&found.model).await?;
    match found.model_type {
        ModelType::Auto => require_columns(&config, &dataset.columns)?,
        ModelType::Custom => has_runner(app, found).await?,
    }
    let new = NewRun {
        external: false,
        label: request.run_label,
        priority,
        timeout_seconds,
        config: serde_json::to_value(&config).map_err(ApiError::internal)?,
        dataset: Some(dataset.id),
    };
    Ok(app.registry.create_run(actor, &found.model.id, new).await?)
}

/// Whether a custom model can be trained: it has a script, and scripts run here.
async fn has_runner(app: &SharedApp, found: &StudioModel) -> Result<(), ApiError> {
    let name = &found.model.name;
    let assets = app.registry.assets(&found.model.id).await?;
    if !assets.iter().any(|asset| asset.asset_type == AssetType::Script) {
        let detail =
            format!("model '{name}' is custom and has no script; upload one, or its weights, as a custom asset");
        return Err(ApiError::new(Kind::Unprocessable, "no-script", detail));
    }
    if app.config.studio.runner.is_empty() {
        let detail = format!(
            "model '{name}' is trained by its own script, and no runner for scripts is configured here ('studio.runner')"
        );
        return Err(ApiError::new(Kind::Unprocessable, "no-runner", detail));
    }
    Ok(())
}

impl TrainModel {
    fn check(&self) -> Result<(Priority, i64), ApiError> {
        let mut fields = Fields::default();
        fields.no_longer_than("/run_label", self.run_label.as_deref().unwrap_or_default(), LABEL_CHARS_MAX);
        let timeout_seconds = self.timeout_seconds.unwrap_or(TIMEOUT_DEFAULT);
        fields.within("/timeout_seconds", timeout_seconds, &TIMEOUTS);
        let word = self.priority.as_deref().unwrap_or(Priority::Normal.text());
        let priority = Priority::ALL.iter().find(|(known, _)| *known == word).map(|(_, priority)| *priority);
        if priority.is_none() {
            let words: Vec<_> = Priority::ALL.iter().map(|(word, _)| *word).collect();
            fields.one_of("/priority", word, &words);
        }
        fields.finish_with(priority.map(|priority| (priority, timeout_seconds)))
    }
}

/// Cancel a run
///
/// The run is cancelled when this answers. What worked on it stops within one round, and leaves nothing.
#[utoipa::path(post, path = "/api/v1/models/{id}/train/cancel", operation_id = "cancelTraining", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<CancelTraining>,
    responses((status = 200, description = "The run as it is now.", body = TrainingRun),
        (status = 404, description = "`not-found`: no such model or run."),
        (status = 409, description = "`run-ended`: it had ended already.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn cancel(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<CancelTraining>,
) -> Result<axum::Json<TrainingRun>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let run = of_model(&app, &model.organization, &model.id, request.run_id).await?;
    app.registry.cancel_run(&caller.actor, &run, None).await?;
    app.runs.poke(&run.id);
    let run = app.registry.run_by_id(&run.id).await?;
    Ok(axum::Json(run.into()))
}
