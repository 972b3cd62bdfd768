//! An organization's models at a glance.

use super::access::visible_to;
use super::activity::Event;
use super::choices::model_type_schema;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::openapi::texts::one_of;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use servoir_registry::{Dashboard, DashboardFilter, ModelType, StudioStatus};
use servoir_types::Timestamp;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const EVENTS_MAX: i64 = 10;
const DAY_SECONDS: i64 = 86_400;
/// How far back is counted, in seconds.
const PERIODS: &[(&str, (&str, i64))] = &[
    ("1d", ("1d", DAY_SECONDS)),
    ("7d", ("7d", 7 * DAY_SECONDS)),
    ("30d", ("30d", 30 * DAY_SECONDS)),
    ("90d", ("90d", 90 * DAY_SECONDS)),
];
const PERIOD_DEFAULT: (&str, i64) = ("7d", 7 * DAY_SECONDS);

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

fn period_schema() -> Object {
    one_of(PERIODS)
}

/// An organization's models at a glance: those that the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stats {
    /// How far back runs and events are counted.
    #[schema(schema_with = period_schema)]
    period: &'static str,
    /// Archived ones too.
    total_models: i64,
    deployed_models: i64,
    /// How many models stand where.
    #[schema(value_type = BTreeMap<String, i64>)]
    status_breakdown: BTreeMap<&'static str, i64>,
    /// How many models are of which type.
    #[schema(value_type = BTreeMap<String, i64>)]
    type_breakdown: BTreeMap<&'static str, i64>,
    /// Runs of the period.
    total_runs: i64,
    /// Of the runs of the period that completed or failed, the share that completed; `null` when there is none.
    #[schema(required, minimum = 0, maximum = 1)]
    training_success_rate: Option<f64>,
    /// The newest ten of the period, newest first.
    #[schema(max_items = 10)]
    recent_events: Vec<Event>,
}

impl Stats {
    fn of(period: &'static str, found: Dashboard) -> Self {
        let runs = |status: &str| found.runs.get(status).copied().unwrap_or_default();
        let (completed, failed) = (runs("completed"), runs("failed"));
        let ended = completed + failed;
        let models = |status: &StudioStatus| found.by_status.get(status).copied().unwrap_or_default();
        let of_type = |model_type: &ModelType| found.by_type.get(model_type).copied().unwrap_or_default();
        Self {
            period,
            total_models: found.by_type.values().sum(),
            deployed_models: found.deployed,
            status_breakdown: StudioStatus::ALL.iter().map(|(word, status)| (*word, models(status))).collect(),
            type_breakdown: ModelType::ALL.iter().map(|(word, model_type)| (*word, of_type(model_type))).collect(),
            total_runs: found.runs.values().sum(),
            training_success_rate: (ended > 0).then(|| completed as f64 / ended as f64),
            recent_events: found.events.into_iter().map(Event::from).collect(),
        }
    }
}

/// What is counted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `StatsQuery` carries them
struct StatsParams {
    /// By default `7d`.
    #[param(required = false, schema_with = period_schema)]
    period: Option<String>,
    #[param(required = false, schema_with = model_type_schema)]
    model_type: Option<String>,
}

struct StatsQuery {
    period: (&'static str, i64),
    model_type: Option<ModelType>,
}

impl IntoParams for StatsQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        StatsParams::into_params(place)
    }
}

impl FromQuery for StatsQuery {
    fn from_query(values: &mut Values) -> Self {
        let period = values.choice("period", PERIODS).unwrap_or(PERIOD_DEFAULT);
        Self { period, model_type: values.choice("model_type", ModelType::ALL) }
    }
}

/// Read the dashboard
///
/// How many models stand where, how training went, and what happened lately.
#[utoipa::path(get, path = "/api/v1/models/dashboard/stats", operation_id = "getDashboard", tag = "studio",
    params(StatsParams), responses((status = 200, description = "At a glance.", body = Stats)),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Query(StatsQuery { period: (period, seconds), model_type }): Query<StatsQuery>,
) -> Result<axum::Json<Stats>, ApiError> {
    let filter = DashboardFilter {
        since: Timestamp::now().plus_seconds(-seconds),
        model_type,
        visible_to: visible_to(&caller.principal),
        events_max: EVENTS_MAX,
    };
    let found = app.registry.dashboard(&caller.actor.organization, &filter).await?;
    Ok(axum::Json(Stats::of(period, found)))
}
