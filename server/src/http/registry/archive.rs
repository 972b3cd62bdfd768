//! Archiving: a model is put away without being deleted, and taken out again.

use super::show::Show;
use super::wire::RegisteredModel;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryWrite;
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::path::OnlyPath;
use crate::http::studio::access;
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
/// An archived model cannot be deployed and stays in the lists.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/archive", operation_id = "archiveModel", tag = "models",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The model as it is now.", body = RegisteredModel, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`model-deployed` or `model-archived`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn archive(
    caller: Caller<RegistryWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<Response, ApiError> {
    set_archived(&show, &caller, &id, true).await
}

/// Unarchive a model
///
/// The model is registered again and can be deployed.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/unarchive", operation_id = "unarchiveModel", tag = "models",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The model as it is now.", body = RegisteredModel, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-archived`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn unarchive(
    caller: Caller<RegistryWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<Response, ApiError> {
    set_archived(&show, &caller, &id, false).await
}

async fn set_archived(
    show: &Show,
    caller: &Caller<RegistryWrite>,
    id: &str,
    archived: bool,
) -> Result<Response, ApiError> {
    let model = access::model(&show.app, &caller.principal, id, Role::Editor).await?;
    show.whole(show.app.registry.set_archived(&caller.actor, &model.id, archived).await?).await
}
