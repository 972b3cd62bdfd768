//! Models: list, register, read, change, delete.

use super::choices::{
    FRAMEWORKS, SORT_DEFAULT, SORTS, SOURCES, STATUSES, framework_schema, sort_schema, source_schema, status_schema,
};
use super::model_request::{CreateModel, UpdateModel};
use super::show::Show;
use super::wire::{CreatedModel, ModelList, RegisteredModel};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{RegistryRead, RegistryWrite};
use crate::error::ApiError;
use crate::http::etag::{self, IfMatch, IfNoneMatch};
use crate::http::json::Json;
use crate::http::openapi::texts;
use crate::http::pagination::window;
use crate::http::path::OnlyPath;
use crate::http::query::{FromQuery, NoParameters, Query, Values};
use crate::http::studio::access;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use servoir_registry::{ModelFilter, Role, Window};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a filter.
const FILTER_CHARS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, update, delete))
}

/// Which models, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ModelQuery` carries them
struct ModelListParams {
    /// In the name or the description, whatever the case.
    #[param(required = false, schema_with = texts::filter)]
    search: Option<String>,
    #[param(required = false, schema_with = framework_schema)]
    framework: Option<String>,
    #[param(required = false, schema_with = source_schema)]
    source: Option<String>,
    #[param(required = false, schema_with = status_schema)]
    status: Option<String>,
    /// Models that have this tag.
    #[param(required = false, schema_with = texts::filter)]
    tag: Option<String>,
    #[param(rename = "workspaceId", required = false, schema_with = texts::filter)]
    workspace_id: Option<String>,
    /// At most so many models.
    #[param(required = false, minimum = 1, maximum = 200, default = 20)]
    limit: i64,
    /// After so many models.
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
    /// By default `createdAt:desc`.
    #[param(required = false, schema_with = sort_schema)]
    sort: Option<String>,
}

/// The parameters of a list of models.
struct ModelQuery(ModelFilter);

impl IntoParams for ModelQuery {
    fn into_params(
        place: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        ModelListParams::into_params(place)
    }
}

impl FromQuery for ModelQuery {
    fn from_query(values: &mut Values) -> Self {
        let word = |word: &'static str| (word, word);
        let frameworks: Vec<_> = FRAMEWORKS.iter().copied().map(word).collect();
        let sources: Vec<_> = SOURCES.iter().copied().map(word).collect();
        let (sort, descending) = values.choice("sort", SORTS).unwrap_or(SORT_DEFAULT);
        Self(ModelFilter {
            search: values.text("search", FILTER_CHARS_MAX),
            framework: values.choice("framework", &frameworks).map(str::to_owned),
            source: values.choice("source", &sources).map(str::to_owned),
            status: values.choice("status", STATUSES),
            tag: values.text("tag", FILTER_CHARS_MAX),
            workspace: values.text("workspaceId", FILTER_CHARS_MAX),
            visible_to: None,
            sort,
            descending,
            window: window(values),
        })
    }
}

/// List models
///
/// A page of the organization's models that match every filter that is given.
#[utoipa::path(get, path = "/api/v1/model-registry/models", operation_id = "listModels", tag = "models",
    params(ModelListParams), responses((status = 200, description = "A page of models.", body = ModelList)),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn list(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    Query(ModelQuery(filter)): Query<ModelQuery>,
) -> Result<Response, ApiError> {
    let filter = ModelFilter { visible_to: access::visible_to(&caller.principal), ..filter };
    let Window { limit, offset } = filter.window;
    let page = app.registry.models(&caller.actor.organization, &filter).await?;
    let models = page.items.into_iter().map(RegisteredModel::item).collect();
    Ok(axum::Json(ModelList { count: page.total, limit, offset, models }).into_response())
}

/// Register a model
///
/// The model has no version yet and answers no predictions.
#[utoipa::path(post, path = "/api/v1/model-registry/models", operation_id = "createModel", tag = "models",
    request_body = CreateModel,
    responses(
        (status = 201, description = "Registered.", body = CreatedModel, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "`name-taken`: the organization has a model of this name.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn create(
    caller: Caller<RegistryWrite>,
    State(app): State<SharedApp>,
    _: Query<NoParameters>,
    Json(request): Json<CreateModel>,
) -> Result<Response, ApiError> {
    let model = app.registry.create_model(&caller.actor, request.check()?).await?;
    let location = [(header::LOCATION, format!("/api/v1/model-registry/models/{}", model.id))];
    let tag = etag::header_of(&model);
    Ok((StatusCode::CREATED, location, tag, axum::Json(CreatedModel::from(model))).into_response())
}

/// Read a model
///
/// The whole model with its newest 100 versions and its deployment. `304` is only answered while the model is not
/// deployed: a deployment's live state changes without a new revision.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}", operation_id = "getModel", tag = "models",
    params(("id" = String, Path, description = "Id or name."), IfNoneMatch),
    responses((status = 200, description = "The model.", body = RegisteredModel, headers(("ETag" = String))),
        (status = 304, description = "It is what the caller has already.", headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn read(
    caller: Caller<RegistryRead>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    condition: IfNoneMatch,
) -> Result<Response, ApiError> {
    let model = access::model(&show.app, &caller.principal, &id, Role::Viewer).await?;
    if !model.deployed && condition.has(&etag::of_revision(model.revision)) {
        return Ok((StatusCode::NOT_MODIFIED, etag::header_of(&model)).into_response());
    }
    show.whole(model).await
}

/// Change a model
///
/// Name, description and tags; what is absent stays as it is.
#[utoipa::path(put, path = "/api/v1/model-registry/models/{id}", operation_id = "updateModel", tag = "models",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    request_body = UpdateModel,
    responses((status = 200, description = "The model as it is now.", body = RegisteredModel, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`name-taken`: the organization has a model of this name."),
        (status = 412, description = "`stale`: the model has changed since.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn update(
    caller: Caller<RegistryWrite>,
    show: Show,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
    Json(request): Json<UpdateModel>,
) -> Result<Response, ApiError> {
    let change = request.check()?;
    let model = access::model(&show.app, &caller.principal, &id, Role::Editor).await?;
    let revision = condition.revision_of(&model)?;
    let model = show.app.registry.update_model(&caller.actor, &model.id, change, revision).await?;
    show.whole(model).await
}

/// Delete a model
///
/// Irreversible: its versions and their artifacts go too.
#[utoipa::path(delete, path = "/api/v1/model-registry/models/{id}", operation_id = "deleteModel", tag = "models",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`model-deployed`: undeploy it first; `run-in-progress`: it is being trained."),
        (status = 412, description = "`stale`: the model has changed since.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
async fn delete(
    caller: Caller<RegistryWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
) -> Result<StatusCode, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let revision = condition.revision_of(&model)?;
    app.registry.delete_model(&caller.actor, &model.id, revision, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
