//! How what answers is doing now.

use super::alert_view::Alert;
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::MonitoringRead;
use crate::error::ApiError;
use crate::http::path::OnlyPath;
use crate::http::studio::access::studio_model;
use crate::monitoring::analysis::{Report, status_schema, status_word, window_end, window_schema};
use crate::monitoring::buckets::traffic;
use crate::readiness::ModelState;
use crate::telemetry::metrics::Traffic;
use axum::extract::State;
use serde::Serialize;
use servoir_monitor::WindowLength;
use servoir_registry::{AlertFilter, AlertStatus, Model, Role, Window};
use servoir_types::{ModelId, Timestamp, VersionId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Over which time requests are counted.
const WINDOW: WindowLength = WindowLength::Hour;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How what answers is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitoringHealth)]
pub struct Health {
    model_id: String,
    /// The version that answers; `null`: none does.
    #[schema(required)]
    version_id: Option<String>,
    /// Whether what should answer does, on this node.
    ready: bool,
    /// `undeployed`, `deploying`, `ready`, `degraded` or `failed`, on this node.
    state: &'static str,
    /// Why it is degraded or failed.
    #[schema(required)]
    reason: Option<String>,
    /// Predictions asked of it in the last hour, over all nodes.
    #[schema(minimum = 0)]
    requests: u64,
    /// The share of them that failed; `null` without traffic, as in the next.
    #[schema(required, minimum = 0, maximum = 1)]
    error_rate: Option<f64>,
    #[schema(required)]
    latency_ms: Option<LatencyQuantiles>,
    /// By the newest analysis of the shortest window; `null` when there was none.
    #[schema(required)]
    drift: Option<DriftNow>,
    /// By the same; `null` also without a baseline.
    #[schema(required)]
    data_quality: Option<QualityNow>,
    /// The newest alert, over or not.
    #[schema(required)]
    last_alert: Option<Alert>,
    /// Alerts that are raised and that nobody has acknowledged.
    #[schema(minimum = 0)]
    alerts_raised: i64,
}

/// Milliseconds within which this share of the requests was answered, interpolated within the buckets of a histogram.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatencyQuantiles {
    #[schema(minimum = 0)]
    p50: f64,
    #[schema(minimum = 0)]
    p90: f64,
    #[schema(minimum = 0)]
    p99: f64,
}

/// What the newest analysis says of drift.
#[derive(Debug, Serialize, ToSchema)]
pub struct DriftNow {
    #[schema(schema_with = status_schema)]
    status: &'static str,
    #[schema(required, minimum = 0)]
    drift_score: Option<f64>,
    #[schema(schema_with = window_schema)]
    window: &'static str,
    #[schema(value_type = String, format = DateTime)]
    analysed_at: Timestamp,
}

/// What it says of data quality.
#[derive(Debug, Serialize, ToSchema)]
pub struct QualityNow {
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The largest share of values that are missing, out of range or unseen, beyond those to be expected.
    #[schema(minimum = 0, maximum = 1)]
    worst_share: f64,
    /// Of which feature.
    #[schema(required)]
    worst_feature: Option<String>,
}

/// Read how a model is doing
///
/// What answers, whether it does so well, and what the newest analysis and alert say.
#[utoipa::path(get, path = "/api/v1/models/{id}/monitoring/health", operation_id = "getMonitoringHealth",
    tag = "monitoring", params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "How it is doing.", body = Health),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<Health>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let deployment = app.registry.deployment(&model.id).await?;
    let version = deployment.map(|deployment| deployment.primary.spec.version);
    let state = app.reconciler.state(&model.id).or(model.deployed.then_some(ModelState::Deploying));
    let traffic = match version {
        Some(version) => last_hour(&app, &model.id, version).await?,
        None => Traffic::default(),
    };
    let newest = match version {
        Some(version) => newest(&app, &model.id, version).await?,
        None => None,
    };
    let (last_alert, alerts_raised) = alerts(&app, &model).await?;
    Ok(axum::Json(Health {
        version_id: version.map(|number| VersionId { model: model.id.clone(), number }.to_string()),
        model_id: model.id.to_string(),
        ready: state == Some(ModelState::Ready),
        state: state.as_ref().map_or("undeployed", ModelState::as_str),
        reason: state.as_ref().and_then(ModelState::reason).map(str::to_owned),
        requests: traffic.requests(),
        error_rate: error_rate(&traffic),
        latency_ms: latency(&traffic),
        drift: newest.as_ref().map(drift),
        data_quality: newest.as_ref().and_then(quality),
        last_alert,
        alerts_raised,
    }))
}

async fn last_hour(app: &App, model: &ModelId, version: i64) -> Result<Traffic, ApiError> {
    app.monitoring.flush().await?;
    let now = Timestamp::now();
    let services = app.registry.window_services(model, version, (WINDOW.start(now), window_end(now))).await?;
    traffic(&services)
}

/// The newest analysis of the shortest window that was analysed.
async fn newest(app: &App, model: &ModelId, version: i64) -> Result<Option<Report>, ApiError> {
    for window in WindowLength::ALL {
        if let Some(stored) = app.registry.newest_analysis(model, version, window.as_str()).await? {
            return Report::kept(&stored).map(Some).map_err(ApiError::internal);
        }
    }
    Ok(None)
}

async fn alerts(app: &App, model: &Model) -> Result<(Option<Alert>, i64), ApiError> {
    let mut filter =
        AlertFilter { status: None, severity: None, from: None, to: None, window: Window { limit: 1, offset: 0 } };
    let last = match app.registry.alerts(&model.id, &filter).await?.items.pop() {
        Some(row) => {
            let deliveries = app.registry.deliveries(&row.id).await?;
            Some(Alert::of(row, deliveries))
        }
        None => None,
    };
    filter.status = Some(AlertStatus::Raised);
    Ok((last, app.registry.alerts(&model.id, &filter).await?.total))
}

/// The share of requests that failed; `None` without traffic.
pub fn error_rate(traffic: &Traffic) -> Option<f64> {
    (traffic.requests() > 0).then(|| traffic.failed() as f64 / traffic.requests() as f64)
}

fn latency(traffic: &Traffic) -> Option<LatencyQuantiles> {
    let quantile = |share| traffic.duration_quantile(share).map(|seconds| seconds * 1e3);
    Some(LatencyQuantiles { p50: quantile(0.5)?, p90: quantile(0.9)?, p99: quantile(0.99)? })
}

fn drift(report: &Report) -> DriftNow {
    DriftNow {
        status: status_word(report.overall_status),
        drift_score: report.drift_score,
        window: report.window.as_str(),
        analysed_at: report.analysed_at,
    }
}

fn quality(report: &Report) -> Option<QualityNow> {
    report.data_quality.as_ref().map(|quality| QualityNow {
        status: status_word(quality.status),
        worst_share: quality.worst_share,
        worst_feature: quality.worst_feature.clone(),
    })
}
