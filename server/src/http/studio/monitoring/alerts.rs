//! Listing alerts, and saying that one was seen.

use super::alert_view::{Alert, severity_schema, status_schema};
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::{MonitoringRead, MonitoringWrite};
use crate::error::ApiError;
use crate::http::json::{Nothing, OptionalJson};
use crate::http::openapi::texts;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{FromQuery, Query, Values};
use crate::http::studio::access::studio_model;
use crate::http::studio::paging::{PageParams, Results};
use crate::monitoring::alerts;
use axum::extract::State;
use servoir_registry::{Alert as Row, AlertFilter, AlertSeverity, AlertStatus, Role};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(acknowledge))
}

/// Which alerts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `AlertQuery` carries them
struct AlertParams {
    /// `raised`, `acknowledged` or `cleared`.
    #[param(required = false, schema_with = status_schema)]
    status: Option<String>,
    /// `low`, `medium` or `high`.
    #[param(required = false, schema_with = severity_schema)]
    severity: Option<String>,
    /// Raised not before.
    #[param(required = false, schema_with = texts::time)]
    from: Option<String>,
    /// Raised not after.
    #[param(required = false, schema_with = texts::time)]
    to: Option<String>,
}

struct AlertQuery {
    filter: AlertFilter,
    page: PageParams,
}

impl IntoParams for AlertQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = AlertParams::into_params(&place);
        all.extend(PageParams::into_params(&place));
        all
    }
}

impl FromQuery for AlertQuery {
    fn from_query(values: &mut Values) -> Self {
        let page = PageParams::from_query(values);
        let filter = AlertFilter {
            status: values.choice("status", AlertStatus::ALL),
            severity: values.choice("severity", AlertSeverity::ALL),
            from: values.time("from"),
            to: values.time("to"),
            window: page.window(),
        };
        Self { filter, page }
    }
}

/// List a model's alerts
///
/// The newest first, those that are over too: an alert is one entry from when it is raised to when it is cleared.
#[utoipa::path(get, path = "/api/v1/models/{id}/monitoring/alerts", operation_id = "listAlerts", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), AlertQuery),
    responses((status = 200, description = "A page of alerts.", body = Results<Alert>),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn list(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(AlertQuery { filter, page }): Query<AlertQuery>,
) -> Result<axum::Json<Results<Alert>>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let found = app.registry.alerts(&model.id, &filter).await?;
    let mut results = Vec::with_capacity(found.items.len());
    for row in found.items {
        results.push(shown(&app, row).await?);
    }
    Ok(axum::Json(Results { total: found.total, page: page.page, page_size: page.page_size, results }))
}

/// Acknowledge an alert
///
/// Somebody has seen it. It stays until it is cleared; when it becomes worse, it is raised again. To acknowledge it twice
/// changes nothing.
#[utoipa::path(post, path = "/api/v1/models/{id}/monitoring/alerts/{alert_id}/acknowledge",
    operation_id = "acknowledgeAlert", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), ("alert_id" = String, Path, description = "`alert_…`.")),
    responses((status = 200, description = "The alert.", body = Alert),
        (status = 404, description = "`not-found`: the organization has no such model, or the model no such alert."),
        (status = 409, description = "`alert-cleared`: it is over.")),
    security(("ApiKey" = ["monitoring:write"]), ("Bearer" = ["monitoring:write"])))]
async fn acknowledge(
    caller: Caller<MonitoringWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, alert_id)): OnlyPath<(String, String)>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<Alert>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    let row = alerts::acknowledge(&app, &caller.actor, &model, &alert_id).await?;
    Ok(axum::Json(shown(&app, row).await?))
}

async fn shown(app: &App, row: Row) -> Result<Alert, ApiError> {
    let deliveries = app.registry.deliveries(&row.id).await?;
    Ok(Alert::of(row, deliveries))
}
