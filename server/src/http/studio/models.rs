//! Models of the Studio: list, make, read, change, delete.

use super::access::{self, studio_model};
use super::choices::{ORDERS, SORTS, model_type_schema, order_schema, sort_schema, status_schema, task_type_schema};
use super::model_request::{CreateStudioModel, PatchStudioModel};
use super::model_view::{ModelRow, StudioModelView};
use super::paging::{PageParams, Results};
use super::whole::whole;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::etag::{self, IfMatch};
use crate::http::json::Json;
use crate::http::openapi::texts;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{FromQuery, NoParameters, Query, Values};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use servoir_registry::{ModelType, Role, SortField, StudioFilter, StudioPart, StudioStatus, TaskType};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a filter.
const FILTER_CHARS_MAX: usize = 256;
/// The most tags that a list is filtered by.
const TAGS_MAX: usize = 16;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, change, delete))
}

/// Which models, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ListQuery` carries them
struct ListParams {
    /// By default all that are not archived.
    #[param(required = false, schema_with = status_schema)]
    status: Option<String>,
    #[param(required = false, schema_with = model_type_schema)]
    model_type: Option<String>,
    #[param(required = false, schema_with = task_type_schema)]
    task_type: Option<String>,
    /// In the name or the description, whatever the case.
    #[param(required = false, schema_with = texts::filter)]
    search: Option<String>,
    /// Up to 16, with commas between them: models that have all of them.
    #[param(required = false, schema_with = texts::filter)]
    tags: Option<String>,
    /// By default `created_at`.
    #[param(required = false, schema_with = sort_schema)]
    sort_by: Option<String>,
    /// By default `desc`.
    #[param(required = false, schema_with = order_schema)]
    sort_order: Option<String>,
}

/// The parameters of a list of models.
struct ListQuery {
    filter: StudioFilter,
    page: PageParams,
}

impl IntoParams for ListQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = ListParams::into_params(&place);
        params.extend(PageParams::into_params(&place));
        params
    }
}

impl FromQuery for ListQuery {
    fn from_query(values: &mut Values) -> Self {
        let tags = values.text("tags", FILTER_CHARS_MAX).unwrap_or_default();
        let tags: Vec<_> = tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
        if tags.len() > TAGS_MAX {
            values.wrong("tags", format!("has {} tags; {TAGS_MAX} are allowed", tags.len()));
        }
        let page = PageParams::from_query(values);
        let filter = StudioFilter {
            status: values.choice("status", StudioStatus::ALL),
            model_type: values.choice("model_type", ModelType::ALL),
            task_type: values.choice("task_type", TaskType::ALL),
            search: values.text("search", FILTER_CHARS_MAX),
            tags,
            visible_to: None,
            sort: values.choice("sort_by", SORTS).unwrap_or(SortField::CreatedAt),
            descending: values.choice("sort_order", ORDERS).unwrap_or(true),
            window: page.window(),
        };
        Self { filter, page }
    }
}

/// List models
///
/// A page of the organization's models that match every filter that is given.
#[utoipa::path(get, path = "/api/v1/models", operation_id = "listStudioModels", tag = "studio",
    params(ListQuery), responses((status = 200, description = "A page of models.", body = Results<ModelRow>)),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Query(ListQuery { filter, page }): Query<ListQuery>,
) -> Result<axum::Json<Results<ModelRow>>, ApiError> {
    let filter = StudioFilter { visible_to: access::visible_to(&caller.principal), ..filter };
    let found = app.registry.studio_models(&caller.actor.organization, &filter).await?;
    Ok(axum::Json(page.of(found, ModelRow::from)))
}

/// Make a model
///
/// A draft: it has no version yet. The Registry API lists it too.
#[utoipa::path(post, path = "/api/v1/models", operation_id = "createStudioModel", tag = "studio",
    request_body = CreateStudioModel,
    responses(
        (status = 201, description = "Made.", body = ModelRow, headers(("Location" = String), ("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such dataset."),
        (status = 409, description = "`name-taken`: the organization has a model of this name."),
        (status = 422, description = "`target-among-features`, `wrong-task`, `no-runner`; `columns-missing`: the dataset lacks columns of the configuration.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn create(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    _: Query<NoParameters>,
    Json(request): Json<CreateStudioModel>,
) -> Result<Response, ApiError> {
    let (new, dataset) = request.check()?;
    let model = app.registry.create_studio_model(&caller.actor, new, dataset.as_ref()).await?;
    let location = [(header::LOCATION, format!("/api/v1/models/{}", model.model.id))];
    let tag = etag::header_of(&model.model);
    Ok((StatusCode::CREATED, location, tag, axum::Json(ModelRow::from(model))).into_response())
}

/// Read a model
///
/// With its configuration, its dataset, and the metrics of its promoted version.
#[utoipa::path(get, path = "/api/v1/models/{id}", operation_id = "getStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The model.", body = StudioModelView, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    whole(&app, &caller, model).await
}

/// Change a model
///
/// Name, description, tags and configuration; what is absent stays as it is. Not while the model is trained.
#[utoipa::path(patch, path = "/api/v1/models/{id}", operation_id = "patchStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    request_body = PatchStudioModel,
    responses((status = 200, description = "The model as it is now.", body = StudioModelView, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`name-taken`; `run-in-progress`: the model is being trained."),
        (status = 412, description = "`stale`: the model has changed since."),
        (status = 422, description = "`immutable-field`, `target-among-features`, `wrong-task`, `no-runner`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn change(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
    Json(request): Json<PatchStudioModel>,
) -> Result<Response, ApiError> {
    let patch = request.check()?;
    let model = studio_model(&app, &caller, &id, Role::Editor).await?;
    let at = (&model.model.id, condition.revision_of(&model.model)?);
    let changed =
        app.registry.change_studio_model(&caller.actor, at, StudioPart::Model, |model| patch.of(model)).await?;
    whole(&app, &caller, changed).await
}

/// How a model is deleted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteParams {
    /// Also while it is being trained: its run ends.
    #[param(required = false, default = false)]
    force: bool,
}

impl FromQuery for DeleteParams {
    fn from_query(values: &mut Values) -> Self {
        Self { force: values.choice("force", &[("true", true), ("false", false)]).unwrap_or_default() }
    }
}

/// Delete a model
///
/// Irreversible: its versions, their artifacts, its runs and their logs go too. Its dataset and its audit trail stay.
#[utoipa::path(delete, path = "/api/v1/models/{id}", operation_id = "deleteStudioModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), DeleteParams, IfMatch),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`model-deployed`, even with `force`; `run-in-progress`: the model is being trained."),
        (status = 412, description = "`stale`: the model has changed since.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn delete(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(params): Query<DeleteParams>,
    condition: IfMatch,
) -> Result<StatusCode, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let revision = condition.revision_of(&model)?;
    app.registry.delete_model(&caller.actor, &model.id, revision, params.force).await?;
    Ok(StatusCode::NO_CONTENT)
}
