//! How a model is monitored.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{MonitoringRead, MonitoringWrite};
use crate::error::ApiError;
use crate::http::etag::{self, IfMatch};
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use crate::monitoring::settings::MonitoringSettings;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use servoir_registry::{MonitoringSettingsRow, Role};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read, replace))
}

/// Read how a model is monitored
///
/// Every default filled in. Secrets of webhooks are `null`.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/monitoring", operation_id = "getMonitoring", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "All of it.", body = MonitoringSettings, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<Response, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    shown(&app.registry.monitoring_settings(&model.id).await?)
}

/// Say how a model is monitored
///
/// All of it: what is left out has its default. A webhook whose secret is left out or `null` keeps the one that its id has.
#[utoipa::path(put, path = "/api/v1/model-registry/models/{id}/monitoring", operation_id = "putMonitoring", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    request_body = MonitoringSettings,
    responses((status = 200, description = "All of it, as it is now.", body = MonitoringSettings, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 412, description = "`stale`: it has changed since.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn replace(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
    Json(settings): Json<MonitoringSettings>,
) -> Result<Response, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Editor).await?;
    let now = app.registry.monitoring_settings(&model.id).await?;
    let at = (&model.id, condition.revision_at(now.revision)?);
    let edit = |row: &MonitoringSettingsRow| settings.replacing(&MonitoringSettings::of(row)?);
    let changed = app.registry.change_monitoring_settings(&caller.actor, at, edit).await?;
    app.monitoring.follow(Some(&model.id)).await;
    shown(&changed)
}

fn shown(row: &MonitoringSettingsRow) -> Result<Response, ApiError> {
    let tag = [(header::ETAG, etag::of_revision(row.revision))];
    Ok((tag, axum::Json(MonitoringSettings::of(row)?)).into_response())
}
