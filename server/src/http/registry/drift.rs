//! How a version's traffic differs from its baseline.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::MonitoringRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use crate::http::studio::access;
use crate::monitoring::analysis::{
    CONVENTIONS, Report, Subject, WINDOWS, analyse, convention_schema, report, window_schema,
};
use crate::monitoring::settings::MonitoringSettings;
use axum::extract::State;
use servoir_monitor::WindowLength;
use servoir_monitor::convention::Convention;
use servoir_registry::{Model, Role};
use servoir_types::{Kind, Timestamp};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The highest number of a version.
const VERSION_MAX: i64 = i64::MAX;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Which window of which version.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `DriftQuery` carries them
struct DriftParams {
    /// How much of the traffic, up to now.
    #[param(required = false, schema_with = window_schema)]
    window: Option<String>,
    /// By default the version that answers.
    #[param(required = false, minimum = 1)]
    version: Option<i64>,
    /// By default that of the model's settings.
    #[param(required = false, schema_with = convention_schema)]
    convention: Option<String>,
}

struct DriftQuery {
    window: WindowLength,
    version: Option<i64>,
    convention: Option<Convention>,
}

impl IntoParams for DriftQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        DriftParams::into_params(place)
    }
}

impl FromQuery for DriftQuery {
    fn from_query(values: &mut Values) -> Self {
        let version = values.integer("version", 0, &(1..=VERSION_MAX));
        Self {
            window: values.choice("window", &WINDOWS).unwrap_or(WindowLength::Hour),
            version: (version > 0).then_some(version),
            convention: values.choice("convention", &CONVENTIONS),
        }
    }
}

/// Analyse a window
///
/// What a version was asked and answered in the last hour (`1h`, the default), six hours, day or week, beside its baseline:
/// statistics by feature and output, data quality, and what labels say. This node's counts are in it to the moment, those of
/// others up to their last flush. A version without a baseline, and a window with too few rows, is `no-data`; `reason` says
/// what to do. What is asked for here is kept like analyses on schedule, unless it is under another convention, but raises and clears no
/// alerts.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/drift", operation_id = "getModelDrift", tag = "monitoring",
    params(("id" = String, Path, description = "Id or name."), DriftQuery),
    responses((status = 200, description = "The analysis.", body = Report),
        (status = 404, description = "`not-found`: the organization has no such model, or the model no such version."),
        (status = 409, description = "`not-deployed`: no version answers, and none was named.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<DriftQuery>,
) -> Result<axum::Json<Report>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let version = version(&app, &model, query.version).await?;
    let settings = MonitoringSettings::of(&app.registry.monitoring_settings(&model.id).await?)?;
    let (subject, now) = (Subject { model: &model.id, version, window: query.window }, Timestamp::now());
    let Some(convention) = query.convention.filter(|asked| *asked != settings.convention) else {
        return Ok(axum::Json(analyse(&app, subject, &settings, now).await?));
    };
    // Thresholds are those of the convention that they were set for.
    let (thresholds, feature_thresholds) = Default::default();
    let settings = MonitoringSettings { convention, thresholds, feature_thresholds, ..settings };
    Ok(axum::Json(report(&app, subject, &settings, now).await?))
}

/// The version that was named, or the one that answers.
async fn version(app: &SharedApp, model: &Model, named: Option<i64>) -> Result<i64, ApiError> {
    if let Some(number) = named {
        return Ok(app.registry.version(&model.organization, &model.id, number).await?.version);
    }
    let deployment = app.registry.deployment(&model.id).await?;
    deployment.map(|deployment| deployment.primary.spec.version).ok_or_else(|| {
        let detail = format!("no version of '{}' answers; name one with ?version=", model.name);
        ApiError::new(Kind::Conflict, "not-deployed", detail)
    })
}
