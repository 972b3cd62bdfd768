//! What versions are compared with: make, list, read, activate.

use super::baseline_request::{self, BaselineForm, MakeBaseline, Source};
use super::baseline_view::{Baseline, BaselineList, BaselineSummary};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{MonitoringRead, MonitoringWrite};
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::pagination::window;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{FromQuery, NoParameters, Query, Values};
use crate::http::studio::access;
use crate::monitoring::baselines;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header};
use servoir_registry::{NewBaseline, Role, Window};
use servoir_types::BaselineId;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read)).routes(routes!(activate))
}

/// Which baselines.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this version alone.
    #[param(required = false, minimum = 1, nullable = false)]
    version: Option<i64>,
    /// At most so many items.
    #[param(required = false, minimum = 1, maximum = 200, default = 20)]
    limit: i64,
    /// After so many items.
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
}

impl FromQuery for ListParams {
    fn from_query(values: &mut Values) -> Self {
        let version = values.integer("version", 0, &(1..=i64::MAX));
        let Window { limit, offset } = window(values);
        Self { version: (version > 0).then_some(version), limit, offset }
    }
}

/// List baselines
///
/// A page of what a model's versions are and were compared with, the newest first, without the profiles.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/baselines", operation_id = "listBaselines", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), ListParams),
    responses((status = 200, description = "A page of baselines.", body = BaselineList),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn list(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<ListParams>,
) -> Result<axum::Json<BaselineList>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let ListParams { version, limit, offset } = asked;
    let page = app.registry.baselines(&model.id, version, Window { limit, offset }).await?;
    let baselines = page.items.into_iter().map(BaselineSummary::from).collect();
    Ok(axum::Json(BaselineList { count: page.total, limit, offset, baselines }))
}

/// Make a baseline
///
/// From a dataset, from an uploaded table that is not kept, or from rows that were recorded while the version served. Columns
/// are found by the names of the version's features, those of a model whose one input has no names by their order. The version
/// itself is asked a sample of the rows, beside everything that serves, so that its answers can be compared too. A version's
/// first baseline is active; another becomes so when it is activated.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/baselines", operation_id = "createBaseline", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name.")),
    request_body(content((MakeBaseline = "application/json"), (BaselineForm = "multipart/form-data"))),
    responses((status = 201, description = "Made.", body = Baseline, headers(("Location" = String))),
        (status = 404, description = "`not-found`: no such model, version or dataset."),
        (status = 408, description = "`body-timeout`: the caller stopped sending."),
        (status = 409, description = "`no-ready-version` or `version-not-ready`."),
        (status = 413, description = "The file is over the limit."),
        (status = 415, description = "`unsupported-media-type`."),
        (status = 422, description = "`table-mismatch`, naming columns that are missing or do not fit; `unreadable-dataset`; \
            `nothing-recorded`, saying what to do; `version-rejected` or `engine-missing`, with the engine's reason; \
            `too-many-columns`; `too-many-baselines`.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn create(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    _: Query<NoParameters>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let asked = baseline_request::receive(&app, request).await?;
    let version = baselines::version_of(&app, &model, asked.version).await?;
    let origin = asked.source.origin();
    let (source, made) = match asked.source {
        Source::Dataset(dataset) => {
            let dataset = app.registry.dataset(&model.organization, &dataset).await?;
            let file = app.registry.fetch_artifact(dataset.summary.digest).await?;
            ("dataset", baselines::of_table(&app, &version, file).await?)
        }
        Source::Upload(file) => ("upload", baselines::of_table(&app, &version, file.path().to_owned()).await?),
        Source::Production(range) => ("production", baselines::of_production(&app, &version, range).await?),
    };
    let body = String::from_utf8(made.to_json()).map_err(ApiError::internal)?;
    let new = NewBaseline { version: version.version, source, origin, rows: made.rows, body };
    let summary = app.registry.create_baseline(&caller.actor, &model.id, new).await?;
    app.monitoring.follow(Some(&model.id)).await;
    let location = format!("/api/v1/model-registry/models/{}/baselines/{}", model.id, summary.id);
    let baseline = Baseline::of(summary.into(), made);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(baseline)).into_response())
}

/// Read a baseline
///
/// With the profile of each feature and output.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/baselines/{baseline_id}", operation_id = "getBaseline",
    tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), ("baseline_id" = String, Path, description = "`baseline_…`")),
    responses((status = 200, description = "The baseline.", body = Baseline),
        (status = 404, description = "`not-found`: no such model or baseline.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    OnlyPath((id, baseline)): OnlyPath<(String, String)>,
) -> Result<axum::Json<Baseline>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let row = app.registry.baseline(&model.id, &BaselineId::from_text(baseline)).await?;
    let profiles = servoir_monitor::Baseline::from_json(row.body.as_bytes()).map_err(ApiError::internal)?;
    Ok(axum::Json(Baseline::of(row.summary.into(), profiles)))
}

/// Activate a baseline
///
/// Its version is compared with it from now on, and no longer with the one that was active.
#[utoipa::path(put, path = "/api/v1/model-registry/models/{id}/baselines/{baseline_id}/activate",
    operation_id = "activateBaseline", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), ("baseline_id" = String, Path, description = "`baseline_…`")),
    responses((status = 200, description = "It is active.", body = BaselineSummary),
        (status = 404, description = "`not-found`: no such model or baseline.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn activate(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, baseline)): OnlyPath<(String, String)>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<BaselineSummary>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let baseline = BaselineId::from_text(baseline);
    let activated = app.registry.activate_baseline(&caller.actor, &model.id, &baseline).await?;
    app.monitoring.follow(Some(&model.id)).await;
    Ok(axum::Json(activated.into()))
}
