//! Versions of a model: list, read, publish, delete.

use super::import;
use super::upload;
use super::wire::{Version, VersionList};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{RegistryRead, RegistryWrite};
use crate::error::ApiError;
use crate::http::json::{media_type, unsupported_media_type};
use crate::http::pagination::PageParams;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::Query;
use crate::http::studio::access;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use servoir_registry::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, publish)).routes(routes!(read, delete))
}

/// List versions
///
/// A page of a model's versions, the newest first.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/versions", operation_id = "listVersions", tag = "versions",
    params(("id" = String, Path, description = "Id or name."), PageParams),
    responses((status = 200, description = "A page of versions.", body = VersionList),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn list(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<VersionList>, ApiError> {
    let organization = &caller.actor.organization;
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let found = app.registry.versions(organization, &model.id, page.into()).await?;
    let versions = found.items.into_iter().map(Version::from).collect();
    Ok(axum::Json(VersionList { count: found.total, limit: page.limit, offset: page.offset, versions }))
}

/// Read a version
///
/// What the version is; its bytes are at `…/artifact`.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/versions/{version}", operation_id = "getVersion",
    tag = "versions",
    params(("id" = String, Path, description = "Id or name."), ("version" = i64, Path, minimum = 1, description = "From 1.")),
    responses((status = 200, description = "The version.", body = Version),
        (status = 404, description = "`not-found`: no such model or version.")),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn read(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, i64)>,
) -> Result<axum::Json<Version>, ApiError> {
    let organization = &caller.actor.organization;
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    Ok(axum::Json(app.registry.version(organization, &model.id, version).await?.into()))
}

/// Publish a version
///
/// Either `multipart/form-data` with the model file as `artifact` and, before or after it, `metadata`; or JSON that
/// names an artifact in a store that the server may import from. The file is streamed to the store, and its format is
/// read from its content. Either the whole version is published or nothing is.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/versions", operation_id = "publishVersion", tag = "versions",
    params(("id" = String, Path, description = "Id or name.")),
    request_body(content((upload::UploadForm = "multipart/form-data"), (import::ImportVersion = "application/json"))),
    responses((status = 201, description = "Published.", body = Version, headers(("Location" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 408, description = "`body-timeout`: the caller stopped sending."),
        (status = 409, description = "`model-archived`."),
        (status = 413, description = "The artifact is over the limit."),
        (status = 415, description = "`unsupported-media-type`."),
        (status = 422, description = "`unsupported-artifact`, saying what the file is instead; `format-mismatch`; `source-refused`.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn publish(
    caller: Caller<RegistryWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let media = media_type(request.headers());
    let (artifact, metadata) = match media.as_str() {
        "multipart/form-data" => upload::receive(&app, request).await?,
        "application/json" => import::receive(&app, &caller.actor, request).await?,
        other => return Err(unsupported_media_type(other, "multipart/form-data or application/json")),
    };
    let path = artifact.path().to_owned();
    let found = tokio::task::spawn_blocking(move || servoir_runtime::inspect(&path, None)).await;
    let new = metadata.describe(found.map_err(ApiError::internal)??)?;
    let version = app.registry.publish(&caller.actor, &model.id, artifact, new).await?;
    let location = format!("/api/v1/model-registry/models/{}/versions/{}", model.id, version.version);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(Version::from(version))).into_response())
}

/// Delete a version
///
/// Its number is not given again. The artifact goes when nothing else refers to it.
#[utoipa::path(delete, path = "/api/v1/model-registry/models/{id}/versions/{version}", operation_id = "deleteVersion",
    tag = "versions",
    params(("id" = String, Path, description = "Id or name."), ("version" = i64, Path, minimum = 1, description = "From 1.")),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 409, description = "`version-deployed`: deploy another or undeploy it first.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn delete(
    caller: Caller<RegistryWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, i64)>,
) -> Result<StatusCode, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    app.registry.delete_version(&caller.actor, &model.id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
