//! Charts: what was counted, step by step.

use super::grid::{self, Step};
use super::series::{Chart, ChartBaseline, Series, point};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::MonitoringRead;
use crate::error::ApiError;
use crate::http::openapi::texts::{self, one_of};
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use crate::http::studio::access::{studio_model, version_number};
use crate::monitoring::analysis::{WINDOWS, kept_baseline, window_schema};
use axum::extract::State;
use serde::Serialize;
use servoir_monitor::WindowLength;
use servoir_registry::Role;
use servoir_types::{Kind, Timestamp, VersionId};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How far back a chart goes when the caller does not say.
const FROM_DEFAULT_SECONDS: i64 = 7 * 86_400;
/// The most steps of a chart: a month of hours.
const STEPS_MAX: i64 = 750;
/// The most characters of a version's id.
const ID_CHARS_MAX: usize = 64;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Which chart.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ChartQuery` carries them
struct ChartParams {
    /// `prediction_distribution`, `feature_drift`, `data_quality` or `throughput`, which is the default.
    #[param(required = false, schema_with = chart_schema)]
    chart: Option<String>,
    /// The length of a step, by default an hour.
    #[param(required = false, schema_with = window_schema)]
    granularity: Option<String>,
    /// By default seven days ago.
    #[param(required = false, schema_with = texts::time)]
    from: Option<String>,
    /// By default now.
    #[param(required = false, schema_with = texts::time)]
    to: Option<String>,
    /// `ver_…`, or the version's number; by default the one that answers.
    #[param(required = false, max_length = 64)]
    version_id: Option<String>,
}

fn chart_schema() -> Object {
    one_of(&Chart::WORDS)
}

struct ChartQuery {
    chart: Chart,
    granularity: WindowLength,
    from: Timestamp,
    to: Timestamp,
    version_id: Option<String>,
}

impl IntoParams for ChartQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        ChartParams::into_params(place)
    }
}

impl FromQuery for ChartQuery {
    fn from_query(values: &mut Values) -> Self {
        let to = values.time("to").unwrap_or_else(Timestamp::now);
        let from = values.time("from").unwrap_or_else(|| to.plus_seconds(-FROM_DEFAULT_SECONDS));
        let granularity = values.choice("granularity", &WINDOWS).unwrap_or(WindowLength::Hour);
        let count = grid::count(from, to, granularity.seconds());
        if from >= to {
            values.wrong("from", "is not before 'to'");
        } else if count > STEPS_MAX {
            let detail = format!("{count} steps of {}; {STEPS_MAX} are allowed", granularity.as_str());
            values.wrong("from", detail);
        }
        Self {
            chart: values.choice("chart", &Chart::WORDS).unwrap_or(Chart::Throughput),
            granularity,
            from,
            to,
            version_id: values.text("version_id", ID_CHARS_MAX),
        }
    }
}

/// A chart: for each step a value of each series, `null` where there was no traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitoringChart)]
pub struct ChartView {
    model_id: String,
    version_id: String,
    #[schema(schema_with = chart_schema)]
    chart: &'static str,
    #[schema(schema_with = window_schema)]
    granularity: &'static str,
    /// The first moment of each step.
    #[schema(value_type = Vec<String>)]
    timestamps: Vec<Timestamp>,
    /// As many values as there are steps.
    series: BTreeMap<String, Vec<Option<f64>>>,
}

/// Read a chart
///
/// Of one version, over all nodes: `throughput` has `requests`, `errors` and `rows`; `prediction_distribution` has, of each
/// output, the shares of its values (`NAME=VALUE`) or its mean and standard deviation (`NAME.mean`, `NAME.std`);
/// `feature_drift` has `drift_score` and each feature's population stability index (`feature:NAME`); `data_quality` has the
/// shares of each feature's values that are missing, infinite, out of range or unseen (`feature:NAME.nulls`, …) and the
/// fields that were refused. Columns beyond the first 200 are left out.
#[utoipa::path(get, path = "/api/v1/models/{id}/monitoring/charts", operation_id = "getMonitoringChart",
    tag = "monitoring", params(("id" = String, Path, description = "Id or name."), ChartQuery),
    responses((status = 200, description = "The chart.", body = ChartView),
        (status = 404, description = "`not-found`: the organization has no such model, or the model no such version; \
            `monitoring-not-begun`: nothing of the model's traffic was counted, or a chart asks for a baseline that the \
            version does not have.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<ChartQuery>,
) -> Result<axum::Json<ChartView>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let not_begun =
        |what: &str| ApiError::new(Kind::NotFound, "monitoring-not-begun", format!("{what} of '{}'", model.name));
    let version = match &query.version_id {
        Some(text) => version_number(&model, text)?,
        None => match app.registry.deployment(&model.id).await? {
            Some(deployment) => deployment.primary.spec.version,
            None => model.latest_version,
        },
    };
    app.monitoring.flush().await?;
    if !app.registry.was_monitored(&model.id).await? {
        return Err(not_begun("nothing was counted yet of the traffic"));
    }
    app.registry.version(&model.organization, &model.id, version).await?;
    let baseline = match app.registry.active_baseline(&model.id, version).await? {
        Some(row) => {
            let baseline = Arc::new(kept_baseline(&row).map_err(ApiError::internal)?);
            Some(ChartBaseline { id: row.summary.id.to_string(), baseline })
        }
        None => None,
    };
    if baseline.is_none() && query.chart != Chart::Throughput {
        return Err(not_begun("a baseline is needed to count values, and there is none of this version"));
    }
    let steps = grid::steps(query.from, query.to, query.granularity.seconds());
    let mut series = Series::default();
    for (place, Step { start, end }) in steps.iter().enumerate() {
        let within = (*start, (*end).min(query.to));
        let values = point(&app, (&model.id, version), baseline.as_ref(), (query.chart, within)).await?;
        series.put(place, values);
    }
    Ok(axum::Json(ChartView {
        version_id: VersionId { model: model.id.clone(), number: version }.to_string(),
        model_id: model.id.to_string(),
        chart: query.chart.word(),
        granularity: query.granularity.as_str(),
        timestamps: steps.iter().map(|step| step.start).collect(),
        series: series.0,
    }))
}
