//! Copies of models.

use super::access::studio_model;
use super::model_request::DuplicateModel;
use super::model_view::ModelRow;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioWrite;
use crate::error::ApiError;
use crate::http::etag;
use crate::http::json::OptionalJson;
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use servoir_registry::Role;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(duplicate))
}

/// Copy a model
///
/// A new draft of the caller's with the same configuration, settings and tags, as private as the model. Versions, runs and
/// collaborators are not copied.
#[utoipa::path(post, path = "/api/v1/models/{id}/duplicate", operation_id = "duplicateModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Option<DuplicateModel>,
    responses((status = 201, description = "The copy.", body = ModelRow, headers(("Location" = String), ("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`name-taken`: the organization has a model of this name.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn duplicate(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    OptionalJson(request): OptionalJson<DuplicateModel>,
) -> Result<Response, ApiError> {
    let (name, with_dataset) = request.check()?;
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    let copy = app.registry.duplicate_model(&caller.actor, &model, name, with_dataset).await?;
    let location = [(header::LOCATION, format!("/api/v1/models/{}", copy.model.id))];
    let tag = etag::header_of(&copy.model);
    Ok((StatusCode::CREATED, location, tag, axum::Json(ModelRow::from(copy))).into_response())
}
