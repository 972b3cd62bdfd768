//! The dataset that a model is trained on.

use super::access::studio_model;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use servoir_registry::{DatasetLink, Model, RegistryError, Role};
use servoir_types::{DatasetId, Timestamp};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(link, read, unlink))
}

/// A dataset to link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkDataset {
    /// `dataset_…`
    #[schema(value_type = String, required)]
    dataset_id: Option<String>,
    /// Whether the dataset must have every column that the model's configuration names. By default true.
    validate_schema: Option<bool>,
}

/// A model's dataset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatasetLink)]
struct DatasetLinkView {
    model_id: String,
    dataset_id: String,
    dataset_name: String,
    /// Whether it was held against the model's configuration when it was linked.
    schema_validated: bool,
    #[schema(value_type = String, format = DateTime)]
    linked_at: Timestamp,
}

impl DatasetLinkView {
    fn of(model: &Model, link: DatasetLink) -> Self {
        Self {
            model_id: model.id.to_string(),
            dataset_id: link.dataset.to_string(),
            dataset_name: link.name,
            schema_validated: link.schema_validated,
            linked_at: link.linked_at,
        }
    }
}

/// Link a dataset
///
/// A model has one dataset; one that was linked before is replaced. The columns that are looked for are the target and
/// the features of the model's configuration; a model that has neither takes every dataset.
#[utoipa::path(post, path = "/api/v1/models/{id}/dataset", operation_id = "linkDataset", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")), request_body = LinkDataset,
    responses((status = 200, description = "Linked.", body = DatasetLinkView),
        (status = 403, description = "`role-required`: the caller is no editor of the model."),
        (status = 404, description = "`not-found`: the organization has no such model or dataset."),
        (status = 422, description = "`columns-missing`: every one is named.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn link(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    Json(request): Json<LinkDataset>,
) -> Result<axum::Json<DatasetLinkView>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let mut fields = Fields::default();
    let dataset = fields.required("/dataset_id", request.dataset_id);
    let dataset = DatasetId::from_text(fields.finish_with(dataset)?);
    let validate = request.validate_schema.unwrap_or(true);
    let link = app.registry.link_dataset(&caller.actor, &model.id, &dataset, validate).await?;
    Ok(axum::Json(DatasetLinkView::of(&model, link)))
}

/// Read a model's dataset
///
/// Which dataset the model is trained on.
#[utoipa::path(get, path = "/api/v1/models/{id}/dataset", operation_id = "getLinkedDataset", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The link.", body = DatasetLinkView),
        (status = 404, description = "`not-found`: no such model, or it has no dataset.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<DatasetLinkView>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let missing = || RegistryError::NotFound { what: "dataset linked to model", id: model.id.to_string() };
    let link = app.registry.dataset_link(&model.id).await?.ok_or_else(missing)?;
    Ok(axum::Json(DatasetLinkView::of(&model, link)))
}

/// Unlink a model's dataset
///
/// The dataset stays.
#[utoipa::path(delete, path = "/api/v1/models/{id}/dataset", operation_id = "unlinkDataset", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 204, description = "Unlinked."),
        (status = 403, description = "`role-required`: the caller is no editor of the model."),
        (status = 404, description = "`not-found`: no such model, or it has no dataset.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn unlink(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<StatusCode, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    app.registry.unlink_dataset(&caller.actor, &model.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
