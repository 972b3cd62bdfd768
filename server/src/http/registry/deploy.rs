//! Making a version live.

use super::deploy_request::{DeployModel, Override, Plan};
use super::deployment_view::Deployment;
use super::show::Show;
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::RegistryWrite;
use crate::error::ApiError;
use crate::http::json::OptionalJson;
use crate::http::pagination::LIMIT_MAX;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use crate::reconcile::Wish;
use serde::Serialize;
use servoir_registry::{DeploymentSpec, Model, Role, Strategy, VersionState, Window};
use servoir_types::Kind;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(deploy)).routes(routes!(rollback))
}

/// What a deployment answers when it is live.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deployed {
    /// The model's id.
    id: String,
    /// `deployed`.
    status: &'static str,
    deployment: Deployment,
    /// What happened, for a person.
    message: String,
}

/// Deploy a version
///
/// Answers when the version is live. A version that cannot be served is refused with the engine's reason, and what was
/// live stays live. One that crashes an engine, or takes too long or too much memory, is `rejected` for good. A version whose
/// signature would break who calls what is live is refused, each change by its name, unless `force` says otherwise. What has
/// gone live is then compared with what was before; see `rolledBack` of the deployment.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/deploy", operation_id = "deployModel", tag = "deployments",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<DeployModel>,
    responses((status = 200, description = "It is live.", body = Deployed),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 409, description = "`model-archived`, `version-not-ready`, `no-ready-version`, `not-deployed` for a canary or a shadow beside nothing, or `swap-refused`: it would break callers as `errors` says."),
        (status = 422, description = "`version-rejected`, `engine-missing`, `hardware-unavailable`."),
        (status = 503, description = "`preflight-unavailable`: this node could not try the model; ask again."),
        (status = 507, description = "`model-memory`: all models together would take more than `models.memory_bytes_max`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn deploy(
    caller: Caller<RegistryWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<DeployModel>,
) -> Result<axum::Json<Deployed>, ApiError> {
    let app = &show.app;
    let Plan { version, spec, rollout } = request.check()?;
    let model = access::model(app, &caller.principal, &id, Role::Editor).await?;
    let version = match version {
        Some(version) => version,
        None => newest_ready(app, &model).await?,
    };
    let spec = DeploymentSpec { version, ..spec };
    let message = message(&model, version, &rollout.strategy);
    let deployment = app
        .reconciler
        .deploy(app, &caller.actor, Wish { model: model.id.clone(), name: model.name.clone(), spec, rollout })
        .await?;
    let deployment = show.deployment(&deployment);
    Ok(axum::Json(Deployed { id: model.id.to_string(), status: "deployed", deployment, message }))
}

/// Roll back
///
/// The version that was live before is live again, from memory when it is still there. A canary and a shadow end. Where that
/// would break who calls what is live, it has to be forced.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/rollback", operation_id = "rollbackModel",
    tag = "deployments",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<Override>,
    responses((status = 200, description = "It is live.", body = Deployed),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-deployed`, `nothing-to-roll-back`, or `swap-refused`."),
        (status = 507, description = "`model-memory`: all models together would take more than `models.memory_bytes_max`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn rollback(
    caller: Caller<RegistryWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<Override>,
) -> Result<axum::Json<Deployed>, ApiError> {
    let app = &show.app;
    let model = access::model(app, &caller.principal, &id, Role::Editor).await?;
    let deployment = app.reconciler.rollback(app, &caller.actor, &model.id, request.breaking()).await?;
    let message = format!("version {} of '{}' is live again", deployment.primary.spec.version, model.name);
    let deployment = show.deployment(&deployment);
    Ok(axum::Json(Deployed { id: model.id.to_string(), status: "deployed", deployment, message }))
}

/// How a version is deployed when nothing is said of it; the version is yet to be filled in.
///
/// # Errors
/// None: every default is allowed.
pub fn default_spec() -> Result<DeploymentSpec, ApiError> {
    DeployModel::default().check().map(|plan| plan.spec)
}

fn message(model: &Model, version: i64, strategy: &Strategy) -> String {
    let name = &model.name;
    match strategy {
        Strategy::Swap | Strategy::Promotion => format!("version {version} of '{name}' is live"),
        Strategy::Canary(percent) => format!("version {version} of '{name}' takes {percent} % of the requests"),
        Strategy::Shadow => format!("version {version} of '{name}' is sent a copy of the requests"),
    }
}

/// The newest version of a model that is ready.
///
/// # Errors
/// 409 `no-ready-version`.
pub async fn newest_ready(app: &App, model: &Model) -> Result<i64, ApiError> {
    let mut offset = 0;
    loop {
        let window = Window { limit: LIMIT_MAX, offset };
        let page = app.registry.versions(&model.organization, &model.id, window).await?;
        let seen = i64::try_from(page.items.len()).unwrap_or(LIMIT_MAX);
        if let Some(ready) = page.items.into_iter().find(|version| version.state == VersionState::Ready) {
            return Ok(ready.version);
        }
        offset += seen;
        if seen == 0 || offset >= page.total {
            let detail = format!("model '{}' has no version that is ready; publish one first", model.name);
            return Err(ApiError::new(Kind::Conflict, "no-ready-version", detail));
        }
    }
}
