//! Archiving: a model is put away without being deleted, and taken out again.

use super::access::studio_model;
use super::model_view::StudioModelView;
use super::whole::whole;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioWrite;
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::Response;
use servoir_registry::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(archive)).routes(routes!(unarchive))
}

/// Archive a model
///
/// It is listed only when asked for, and is not trained or deployed.
#[utoipa::path(post, path = "/api/v1/models/{id}/archive", operation_id = "archiveStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The model as it is now.", body = StudioModelView, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`model-deployed`; `run-in-progress`: the model is being trained.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn archive(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<Response, ApiError> {
    set_archived(&app, &caller, &id, true).await
}

/// Unarchive a model
///
/// It is `ready` again when it has a version that is, else `draft`.
#[utoipa::path(post, path = "/api/v1/models/{id}/unarchive", operation_id = "unarchiveStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The model as it is now.", body = StudioModelView, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-archived`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn unarchive(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<Response, ApiError> {
    set_archived(&app, &caller, &id, false).await
}

async fn set_archived(
    app: &SharedApp,
    caller: &Caller<StudioWrite>,
    id: &str,
    archived: bool,
) -> Result<Response, ApiError> {
    let model = studio_model(app, caller, id, Role::Editor).await?.model;
    app.registry.set_archived(&caller.actor, &model.id, archived).await?;
    let model = app.registry.studio_model(&model.organization, model.id.as_str()).await?;
    whole(app, caller, model).await
}
