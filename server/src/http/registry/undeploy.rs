//! Taking a model down.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryWrite;
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use axum::extract::State;
use serde::Serialize;
use servoir_registry::Role;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(undeploy))
}

/// What taking a model down answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Undeployed {
    /// The model's id.
    id: String,
    /// `registered`.
    status: &'static str,
    /// What happened, for a person.
    message: String,
}

/// Undeploy a model
///
/// Answers when the requests in flight have finished.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/undeploy", operation_id = "undeployModel",
    tag = "deployments",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "It is down.", body = Undeployed),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-deployed`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn undeploy(
    caller: Caller<RegistryWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<Undeployed>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    app.reconciler.undeploy(&app, &caller.actor, &model.id).await?;
    let message = format!("'{}' is down; it takes no predictions", model.name);
    Ok(axum::Json(Undeployed { id: model.id.to_string(), status: "registered", message }))
}
