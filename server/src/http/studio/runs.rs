//! A model's runs: the list, and one of them.

use super::access::studio_model;
use super::paging::{PageParams, Results};
use super::run_view::TrainingRun;
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{Query, Values};
use axum::extract::State;
use servoir_registry::{Role, Run};
use servoir_types::{ModelId, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of an id in a parameter.
const ID_CHARS_MAX: usize = 64;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read))
}

/// List runs
///
/// A page of the model's runs of training, the newest first.
#[utoipa::path(get, path = "/api/v1/models/{id}/runs", operation_id = "listTrainingRuns", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), PageParams),
    responses((status = 200, description = "A page of runs.", body = Results<TrainingRun>),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<Results<TrainingRun>>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let found = app.registry.runs(&model.organization, &model.id, page.window()).await?;
    Ok(axum::Json(page.of(found, TrainingRun::from)))
}

/// Read a run
///
/// One run of the model.
#[utoipa::path(get, path = "/api/v1/models/{id}/runs/{run_id}", operation_id = "readTrainingRun", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("run_id" = String, Path, description = "The run's id.")),
    responses((status = 200, description = "The run.", body = TrainingRun),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath((id, run)): OnlyPath<(String, String)>,
) -> Result<axum::Json<TrainingRun>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    Ok(axum::Json(of_model(&app, &model.organization, &model.id, Some(run)).await?.into()))
}

/// A run of a model; the latest when none is named.
///
/// # Errors
/// 404 `not-found`.
pub async fn of_model(app: &App, organization: &str, model: &ModelId, run: Option<String>) -> Result<Run, ApiError> {
    let run = run.map(RunId::from_text);
    Ok(app.registry.run(organization, model, run.as_ref()).await?)
}

/// Takes the parameter `run_id`.
pub fn run_id(values: &mut Values) -> Option<String> {
    values.text("run_id", ID_CHARS_MAX)
}
