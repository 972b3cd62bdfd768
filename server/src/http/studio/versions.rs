//! Versions of a model: list, read, promote, restore.

use super::access::{studio_model, version_number};
use super::paging::{PageParams, Results};
use super::version_view::Version;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::path::{OnlyPath, Path};
use crate::http::query::Query;
use crate::http::registry::deploy_request::Override;
use crate::reconcile::Wish;
use axum::extract::State;
use servoir_registry::{DeploymentSpec, Role, Rollout, Strategy, StudioModel};
use servoir_types::Kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(promote)).routes(routes!(restore))
}

/// List a model's versions
///
/// A page of them, the newest first, each with how it came to be.
#[utoipa::path(get, path = "/api/v1/models/{id}/versions", operation_id = "listStudioVersions", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), PageParams),
    responses((status = 200, description = "A page of versions.", body = Results<Version>),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<Results<Version>>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    let found = app.registry.traced_versions(&caller.actor.organization, &model.model.id, page.window()).await?;
    Ok(axum::Json(page.of(found, |version| Version::of(&model, version))))
}

/// Read a version of a model
///
/// What it is worth, how it was made and from what.
#[utoipa::path(get, path = "/api/v1/models/{id}/versions/{version_id}", operation_id = "getStudioVersion", tag = "studio",
    params(("id" = String, Path, description = "Id or name."),
        ("version_id" = String, Path, description = "`ver_…`, or the version's number.")),
    responses((status = 200, description = "The version.", body = Version),
        (status = 404, description = "`not-found`: no such model or version.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, String)>,
) -> Result<axum::Json<Version>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    shown(&app, &model, version_number(&model.model, &version)?).await
}

/// Promote a version
///
/// The version is the model's best from now on: what `GET` of the model and the performance charts show, and what a
/// deployment without a version takes. When the model is deployed, it is live when this is answered, and no request was lost.
#[utoipa::path(post, path = "/api/v1/models/{id}/versions/{version_id}/promote", operation_id = "promoteVersion",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."),
        ("version_id" = String, Path, description = "`ver_…`, or the version's number.")),
    request_body = Option<Override>,
    responses((status = 200, description = "It is promoted, and live where the model is.", body = Version),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 409, description = "`model-archived`, or `swap-refused`: it would break who calls what is live, as `errors` says."),
        (status = 422, description = "`version-not-ready`; or it cannot be served, and what was live stays live and promoted."),
        (status = 507, description = "`model-memory`: all models together would take more than `models.memory_bytes_max`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn promote(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, String)>,
    OptionalJson(request): OptionalJson<Override>,
) -> Result<axum::Json<Version>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?;
    let number = version_number(&model.model, &version)?;
    let promoted = match app.registry.deployment(&model.model.id).await? {
        None => app.registry.promote(&caller.actor, &model.model.id, number).await.map_err(ApiError::from),
        Some(live) => {
            let spec = DeploymentSpec { version: number, ..live.primary.spec };
            let (id, name) = (model.model.id.clone(), model.model.name.clone());
            let rollout = Rollout { strategy: Strategy::Promotion, breaking: request.breaking() };
            let wish = Wish { model: id, name, spec, rollout };
            app.reconciler.deploy(&app, &caller.actor, wish).await.map(drop)
        }
    };
    // A version that is not ready is no conflict with anything: nothing but another version helps.
    promoted.map_err(|error| match error.code {
        "version-not-ready" => ApiError { kind: Kind::Unprocessable, ..error },
        _ => error,
    })?;
    let model = studio_model(&app, &caller, model.model.id.as_str(), Role::Viewer).await?;
    shown(&app, &model, number).await
}

/// Restore a version's configuration
///
/// Its algorithm, hyperparameters and configuration are the model's from now on. The versions stay as they are.
#[utoipa::path(post, path = "/api/v1/models/{id}/versions/{version_id}/restore", operation_id = "restoreVersion",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."),
        ("version_id" = String, Path, description = "`ver_…`, or the version's number.")),
    responses((status = 200, description = "The version whose configuration is the model's now.", body = Version),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 409, description = "`run-in-progress`: the model is being trained."),
        (status = 422, description = "`not-trained`: it was not trained here.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn restore(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, String)>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<Version>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?;
    let number = version_number(&model.model, &version)?;
    let restored = app.registry.restore_version(&caller.actor, &model.model.id, number).await?;
    Ok(axum::Json(Version::of(&model, restored)))
}

async fn shown(app: &SharedApp, model: &StudioModel, number: i64) -> Result<axum::Json<Version>, ApiError> {
    let version = app.registry.traced_version(&model.model.organization, &model.model.id, number).await?;
    Ok(axum::Json(Version::of(model, version)))
}

/// The version that a parameter names, or the promoted one.
///
/// # Errors
/// 404 `not-found`; 404 `no-promoted-version` when none is named and none promoted.
pub fn named_or_promoted(model: &StudioModel, version: Option<&str>) -> Result<i64, ApiError> {
    match (version, model.promoted_version) {
        (Some(version), _) => version_number(&model.model, version),
        (None, Some(promoted)) => Ok(promoted),
        (None, None) => {
            let detail = format!("model '{}' has no promoted version; name one by version_id", model.model.name);
            Err(ApiError::new(Kind::NotFound, "no-promoted-version", detail))
        }
    }
}
