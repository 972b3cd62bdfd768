//! Deploying from the Studio: the registry's own operations, in this dialect.

use super::access::{studio_model, version_number};
use super::deploy_request::Deploy;
use super::deployment_view::Deployment;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::path::{OnlyPath, Path};
use crate::http::registry::deploy_request::Override;
use crate::http::registry::{Show, newest_ready};
use crate::reconcile::Wish;
use serde::Serialize;
use servoir_registry::{DeploymentSpec, Role};
use servoir_types::Kind;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(deploy))
        .routes(routes!(undeploy))
        .routes(routes!(rollback))
        .routes(routes!(read))
}

/// What is deployed, or is not any more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioDeployed)]
pub struct Deployed {
    /// `model_…`.
    model_id: String,
    /// `deployed` or `registered`.
    status: &'static str,
    /// `null` when nothing is.
    #[schema(required)]
    deployment: Option<Deployment>,
    /// What happened, for a person.
    message: String,
}

/// Deploy a version from the Studio
///
/// Answers when the version is live. A version that cannot be served is refused with the engine's reason, and what was
/// live stays live. A version whose signature would break who calls what is live is refused, each change by its name, unless
/// `force` says otherwise.
#[utoipa::path(post, path = "/api/v1/models/{id}/deploy", operation_id = "deployStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<Deploy>,
    responses((status = 200, description = "It is live.", body = Deployed),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 409, description = "`model-archived`, `version-not-ready`, `no-ready-version`, `not-deployed` for a canary or a shadow beside nothing, or `swap-refused`: it would break callers as `errors` says."),
        (status = 422, description = "`version-rejected`, `engine-missing`, `hardware-unavailable`."),
        (status = 503, description = "`preflight-unavailable`: this node could not try the model; ask again."),
        (status = 507, description = "`model-memory`: all models together would take more than `models.memory_bytes_max`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn deploy(
    caller: Caller<StudioWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(mut request): OptionalJson<Deploy>,
) -> Result<axum::Json<Deployed>, ApiError> {
    let app = &show.app;
    let named = request.version_id.take();
    let plan = request.check()?;
    let model = studio_model(app, &caller, &id, Role::Editor).await?;
    let version = match (named, model.promoted_version) {
        (Some(named), _) => version_number(&model.model, &named)?,
        (None, Some(promoted)) => promoted,
        (None, None) => newest_ready(app, &model.model).await?,
    };
    let (id, name) = (model.model.id.clone(), model.model.name.clone());
    let message = format!("version {version} of '{name}' is deployed");
    let spec = DeploymentSpec { version, ..plan.spec };
    let wish = Wish { model: id.clone(), name, spec, rollout: plan.rollout };
    let deployment = app.reconciler.deploy(app, &caller.actor, wish).await?;
    let deployment = Some(Deployment::of(&id, show.deployment(&deployment)));
    Ok(axum::Json(Deployed { model_id: id.to_string(), status: "deployed", deployment, message }))
}

/// Undeploy a model from the Studio
///
/// Answers when the requests in flight have finished.
#[utoipa::path(post, path = "/api/v1/models/{id}/undeploy", operation_id = "undeployStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "It is down.", body = Deployed),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-deployed`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn undeploy(
    caller: Caller<StudioWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<Deployed>, ApiError> {
    let app = &show.app;
    let model = studio_model(app, &caller, &id, Role::Editor).await?.model;
    app.reconciler.undeploy(app, &caller.actor, &model.id).await?;
    let message = format!("'{}' is down; it takes no predictions", model.name);
    Ok(axum::Json(Deployed { model_id: model.id.to_string(), status: "registered", deployment: None, message }))
}

/// Roll back from the Studio
///
/// The version that was live before is live again, from memory when it is still there. A canary and a shadow end. Where that
/// would break who calls what is live, it has to be forced.
#[utoipa::path(post, path = "/api/v1/models/{id}/rollback", operation_id = "rollbackStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<Override>,
    responses((status = 200, description = "It is live.", body = Deployed),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-deployed`, `nothing-to-roll-back`, or `swap-refused`."),
        (status = 507, description = "`model-memory`: all models together would take more than `models.memory_bytes_max`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn rollback(
    caller: Caller<StudioWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<Override>,
) -> Result<axum::Json<Deployed>, ApiError> {
    let app = &show.app;
    let model = studio_model(app, &caller, &id, Role::Editor).await?.model;
    let deployment = app.reconciler.rollback(app, &caller.actor, &model.id, request.breaking()).await?;
    let message = format!("version {} of '{}' is live again", deployment.primary.spec.version, model.name);
    let deployment = Some(Deployment::of(&model.id, show.deployment(&deployment)));
    Ok(axum::Json(Deployed { model_id: model.id.to_string(), status: "deployed", deployment, message }))
}

/// Read a model's deployment
///
/// What should run, and how far this node has come with it.
#[utoipa::path(get, path = "/api/v1/models/{id}/deployment", operation_id = "getStudioDeployment", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The deployment.", body = Deployment),
        (status = 404, description = "`not-found`: no such model; `not-deployed`: nothing of it is.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    show: Show,
    Path(id): Path<String>,
) -> Result<axum::Json<Deployment>, ApiError> {
    let model = studio_model(&show.app, &caller, &id, Role::Viewer).await?.model;
    let deployment = show.app.registry.deployment(&model.id).await?;
    let deployment = deployment.ok_or_else(|| {
        let detail = format!("nothing of model '{}' is deployed", model.name);
        ApiError::new(Kind::NotFound, "not-deployed", detail)
    })?;
    Ok(axum::Json(Deployment::of(&model.id, show.deployment(&deployment))))
}
