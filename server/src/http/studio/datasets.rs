//! Datasets: list, upload, read, preview, delete.

use super::dataset_upload::{self, DatasetForm, ImportDataset};
use super::dataset_view::{Dataset, DatasetItem, DatasetPreview};
use super::paging::{PageParams, Results};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{DatasetsRead, DatasetsWrite};
use crate::error::ApiError;
use crate::http::openapi::texts;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{FromQuery, NoParameters, Query, Values};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use servoir_registry::DatasetFilter;
use servoir_types::DatasetId;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a filter.
const FILTER_CHARS_MAX: usize = 256;
/// Rows of a preview when the caller does not say.
const PREVIEW_DEFAULT: i64 = 20;
/// The most rows of a preview.
const PREVIEW_MAX: i64 = 200;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, delete)).routes(routes!(preview))
}

/// Which datasets.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ListQuery` carries them
struct ListParams {
    /// In the name, whatever the case.
    #[param(required = false, schema_with = texts::filter)]
    search: Option<String>,
    /// From 1.
    #[param(required = false, minimum = 1, maximum = 1_000_000_000, default = 1)]
    page: i64,
    /// At most so many items.
    #[param(required = false, minimum = 1, maximum = 100, default = 20)]
    page_size: i64,
}

/// The parameters of a list of datasets.
struct ListQuery {
    search: Option<String>,
    page: PageParams,
}

impl IntoParams for ListQuery {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        ListParams::into_params(place)
    }
}

impl FromQuery for ListQuery {
    fn from_query(values: &mut Values) -> Self {
        Self { search: values.text("search", FILTER_CHARS_MAX), page: PageParams::from_query(values) }
    }
}

/// How much of a dataset.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct PreviewParams {
    /// At most so many rows.
    #[param(required = false, minimum = 1, maximum = 200, default = 20)]
    limit: i64,
}

impl FromQuery for PreviewParams {
    fn from_query(values: &mut Values) -> Self {
        Self { limit: values.integer("limit", PREVIEW_DEFAULT, &(1..=PREVIEW_MAX)) }
    }
}

/// List datasets
///
/// A page of the organization's datasets, the newest first.
#[utoipa::path(get, path = "/api/v1/datasets", operation_id = "listDatasets", tag = "datasets",
    params(ListParams), responses((status = 200, description = "A page of datasets.", body = Results<DatasetItem>)),
    security(("ApiKey" = ["datasets:read"]), ("Bearer" = ["datasets:read"])))]
async fn list(
    caller: Caller<DatasetsRead>,
    State(app): State<SharedApp>,
    Query(ListQuery { search, page }): Query<ListQuery>,
) -> Result<axum::Json<Results<DatasetItem>>, ApiError> {
    let filter = DatasetFilter { search, window: page.window() };
    let found = app.registry.datasets(&caller.actor.organization, &filter).await?;
    Ok(axum::Json(page.of(found, DatasetItem::from)))
}

/// Add a dataset
///
/// Either `multipart/form-data` with the table as `file` and, before or after it, `name`; or JSON that names a file in a
/// store that the server may import from. What the file is, is read from its content: CSV (separated by comma, semicolon,
/// tab or bar; with a header or without; plain or in gzip or zstd), or Parquet. Every column is profiled, and the profile
/// is part of the answer. Rows of a CSV file that are broken are left out and told by their line; a file that is broken
/// in more than a tenth of its lines is refused.
#[utoipa::path(post, path = "/api/v1/datasets", operation_id = "createDataset", tag = "datasets",
    request_body(content((DatasetForm = "multipart/form-data"), (ImportDataset = "application/json"))),
    responses((status = 201, description = "Added.", body = Dataset, headers(("Location" = String))),
        (status = 408, description = "`body-timeout`: the caller stopped sending."),
        (status = 409, description = "`name-taken`: the organization has a dataset of this name."),
        (status = 413, description = "The file is over the limit."),
        (status = 415, description = "`unsupported-media-type`."),
        (status = 422, description = "`unreadable-dataset`, saying what is wrong with the file; `source-refused`.")),
    security(("ApiKey" = ["datasets:write"]), ("Bearer" = ["datasets:write"])))]
async fn create(
    caller: Caller<DatasetsWrite>,
    State(app): State<SharedApp>,
    _: Query<NoParameters>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let (file, new) = dataset_upload::receive(&app, &caller.actor, request).await?;
    let dataset = app.registry.create_dataset(&caller.actor, file, new).await?;
    let location = format!("/api/v1/datasets/{}", dataset.summary.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(Dataset::of(dataset)?)).into_response())
}

/// Read a dataset
///
/// What it is, with the profile of each column.
#[utoipa::path(get, path = "/api/v1/datasets/{dataset_id}", operation_id = "getDataset", tag = "datasets",
    params(("dataset_id" = String, Path, description = "`dataset_…`")),
    responses((status = 200, description = "The dataset.", body = Dataset),
        (status = 404, description = "`not-found`: the organization has no such dataset.")),
    security(("ApiKey" = ["datasets:read"]), ("Bearer" = ["datasets:read"])))]
async fn read(
    caller: Caller<DatasetsRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<Dataset>, ApiError> {
    let dataset = app.registry.dataset(&caller.actor.organization, &DatasetId::from_text(id)).await?;
    Dataset::of(dataset).map(axum::Json)
}

/// Preview a dataset
///
/// The first rows that are whole; fewer of tables with more than 500 columns and with long texts.
#[utoipa::path(get, path = "/api/v1/datasets/{dataset_id}/preview", operation_id = "previewDataset", tag = "datasets",
    params(("dataset_id" = String, Path, description = "`dataset_…`"), PreviewParams),
    responses((status = 200, description = "The first rows.", body = DatasetPreview),
        (status = 404, description = "`not-found`: the organization has no such dataset.")),
    security(("ApiKey" = ["datasets:read"]), ("Bearer" = ["datasets:read"])))]
async fn preview(
    caller: Caller<DatasetsRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(PreviewParams { limit }): Query<PreviewParams>,
) -> Result<axum::Json<DatasetPreview>, ApiError> {
    let id = DatasetId::from_text(id);
    let (columns, rows) = app.registry.dataset_preview(&caller.actor.organization, &id).await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    DatasetPreview::of(id.to_string(), (&columns, &rows), limit).map(axum::Json)
}

/// Delete a dataset
///
/// Its file goes when nothing else refers to it. Models that were trained on it stay as they are.
#[utoipa::path(delete, path = "/api/v1/datasets/{dataset_id}", operation_id = "deleteDataset", tag = "datasets",
    params(("dataset_id" = String, Path, description = "`dataset_…`")),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "`not-found`: the organization has no such dataset."),
        (status = 409, description = "`dataset-linked`: unlink it from its models first.")),
    security(("ApiKey" = ["datasets:write"]), ("Bearer" = ["datasets:write"])))]
async fn delete(
    caller: Caller<DatasetsWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<StatusCode, ApiError> {
    app.registry.delete_dataset(&caller.actor, &DatasetId::from_text(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
