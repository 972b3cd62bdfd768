//! How a model was doing over a longer time, whichever version answered.

use super::grid::{self, cut};
use super::points::{Indicator, Kept, Point, point};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::MonitoringRead;
use crate::error::ApiError;
use crate::http::openapi::texts;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use crate::http::studio::access::studio_model;
use axum::extract::State;
use serde::Serialize;
use servoir_registry::{Role, Served};
use servoir_types::{ModelId, Timestamp, VersionId};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How far back is looked when the caller does not say.
const FROM_DEFAULT_SECONDS: i64 = 30 * DAY;
/// The longest time that is looked at.
const SPAN_SECONDS_MAX: i64 = 366 * DAY;
/// The most characters of a list of indicators.
const INDICATORS_CHARS_MAX: usize = 256;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// Which indicators, over which time.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `OverTimeQuery` carries them
struct OverTimeParams {
    /// By default thirty days ago.
    #[param(required = false, schema_with = texts::time)]
    from: Option<String>,
    /// By default now.
    #[param(required = false, schema_with = texts::time)]
    to: Option<String>,
    /// Some of `drift`, `data_quality`, `throughput`, `latency`, `alert_count` and `performance`, with commas between them;
    /// by default all.
    #[param(required = false, schema_with = indicators_schema)]
    indicators: Option<String>,
}

fn indicators_schema() -> Object {
    let word = "(drift|data_quality|throughput|latency|alert_count|performance)";
    let pattern = format!("^({word}(,{word})*)?$");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .max_length(Some(INDICATORS_CHARS_MAX))
        .examples(["drift,latency"])
        .build()
}

struct OverTimeQuery {
    from: Timestamp,
    to: Timestamp,
    indicators: Vec<Indicator>,
}

impl IntoParams for OverTimeQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        OverTimeParams::into_params(place)
    }
}

impl FromQuery for OverTimeQuery {
    fn from_query(values: &mut Values) -> Self {
        let to = values.time("to").unwrap_or_else(Timestamp::now);
        let from = values.time("from").unwrap_or_else(|| to.plus_seconds(-FROM_DEFAULT_SECONDS));
        if from >= to {
            values.wrong("from", "is not before 'to'");
        } else if to > from.plus_seconds(SPAN_SECONDS_MAX) {
            values.wrong("from", "is more than 366 days before 'to'");
        }
        let all = Indicator::WORDS.map(|(_, indicator)| indicator).to_vec();
        let Some(text) = values.text("indicators", INDICATORS_CHARS_MAX) else {
            return Self { from, to, indicators: all };
        };
        let mut indicators = Vec::new();
        for word in text.split(',') {
            match Indicator::WORDS.iter().find(|(known, _)| *known == word) {
                Some((_, indicator)) => indicators.push(*indicator),
                None => {
                    let known = Indicator::WORDS.map(|(known, _)| known).join(", ");
                    values.wrong("indicators", format!("'{word}' is not one of {known}"));
                }
            }
        }
        Self { from, to, indicators }
    }
}

/// How a model was doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitoringOverTime)]
pub struct OverTime {
    model_id: String,
    /// From when to when one version answered: points of two versions are never joined.
    segments: Vec<Segment>,
    /// By time.
    data_points: Vec<Point>,
}

/// A time in which one version answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServedSegment)]
pub struct Segment {
    version_id: String,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// `null`: it still answers.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Read how a model was doing over time
///
/// A point for each hour of up to two days, for each six hours of up to two weeks, for each day of more; where another
/// version was made live, a point ends and another begins. A value is `null` where there was no traffic: `drift` is the last
/// drift score, `data_quality` the largest share of unusable values, `throughput` the requests, `latency` the milliseconds
/// within which 99 % of them were answered, `alert_count` the alerts that were raised, `performance` the accuracy or R2 by
/// the labels that have come.
#[utoipa::path(get, path = "/api/v1/models/{id}/monitoring/over-time", operation_id = "getMonitoringOverTime",
    tag = "monitoring", params(("id" = String, Path, description = "Id or name."), OverTimeQuery),
    responses((status = 200, description = "How it was doing.", body = OverTime),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["monitoring:read"]), ("Bearer" = ["monitoring:read"])))]
async fn read(
    caller: Caller<MonitoringRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<OverTimeQuery>,
) -> Result<axum::Json<OverTime>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    app.monitoring.flush().await?;
    let served = app.registry.served(&model.organization, &model.id, query.to).await?;
    let kept = Kept::read(&app, &model, (query.from, query.to)).await?;
    let changes: Vec<Timestamp> = served.iter().map(|change| change.at).collect();
    let steps = grid::steps(query.from, query.to, step_seconds(query.from, query.to));
    let mut data_points = Vec::with_capacity(steps.len());
    for step in cut(steps, &changes) {
        data_points.push(point(&app, &kept, (step, version_in(&served, step.end)), &query.indicators).await?);
    }
    let segments = segments(&model.id, &served, query.from);
    Ok(axum::Json(OverTime { model_id: model.id.to_string(), segments, data_points }))
}

fn step_seconds(from: Timestamp, to: Timestamp) -> i64 {
    match (to.as_millis() - from.as_millis()) / 1000 {
        span if span <= 2 * DAY => HOUR,
        span if span <= 14 * DAY => 6 * HOUR,
        _ => DAY,
    }
}

/// The version that answered just before a moment.
fn version_in(served: &[Served], end: Timestamp) -> Option<i64> {
    served.iter().rev().find(|change| change.at < end).and_then(|change| change.version)
}

fn segments(model: &ModelId, served: &[Served], from: Timestamp) -> Vec<Segment> {
    let ends = served.iter().skip(1).map(|next| Some(next.at)).chain([None]);
    let spans = served.iter().zip(ends).filter(|(_, to)| to.is_none_or(|to| to > from));
    let segment = |(change, to): (&Served, Option<Timestamp>)| {
        let version_id = VersionId { model: model.clone(), number: change.version? }.to_string();
        Some(Segment { version_id, from: change.at, to })
    };
    spans.filter_map(segment).collect()
}
