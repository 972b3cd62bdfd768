//! The points of `over-time`.

use super::grid::Step;
use crate::app::App;
use crate::error::ApiError;
use crate::monitoring::analysis::Report;
use crate::monitoring::buckets::traffic;
use crate::monitoring::performance::live_scores;
use serde::Serialize;
use servoir_registry::{Labelled, Model};
use servoir_types::{Timestamp, VersionId};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Alerts that are counted at most.
const ALERTS_MAX: i64 = 10_000;

/// What a point can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indicator {
    /// The last drift score.
    Drift,
    /// The largest share of unusable values.
    DataQuality,
    /// Requests.
    Throughput,
    /// Milliseconds within which 99 % of the requests were answered.
    Latency,
    /// Alerts that were raised.
    AlertCount,
    /// By labels: accuracy, or R2.
    Performance,
}

impl Indicator {
    /// Each with its word.
    pub const WORDS: [(&str, Self); 6] = [
        ("drift", Self::Drift),
        ("data_quality", Self::DataQuality),
        ("throughput", Self::Throughput),
        ("latency", Self::Latency),
        ("alert_count", Self::AlertCount),
        ("performance", Self::Performance),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, indicator)| *indicator == self).map_or("", |(word, _)| word)
    }
}

/// How a version was doing within a step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonitoringPoint)]
pub struct Point {
    /// The first moment of the step.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The first moment after it.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// `null`: nothing answered.
    #[schema(required)]
    version_id: Option<String>,
    /// By name, those that were asked for; `null` where there was no traffic.
    indicators: BTreeMap<&'static str, Option<f64>>,
}

/// What is read once for all points.
pub struct Kept<'a> {
    model: &'a Model,
    /// Versions and when their alerts were raised.
    alerts: Vec<(i64, Timestamp)>,
}

impl<'a> Kept<'a> {
    /// Of a model, between two moments.
    ///
    /// # Errors
    /// When the registry is away.
    pub async fn read(app: &App, model: &'a Model, within: (Timestamp, Timestamp)) -> Result<Self, ApiError> {
        Ok(Self { model, alerts: app.registry.alert_times(&model.id, within, ALERTS_MAX).await? })
    }
}

/// A step's point.
///
/// # Errors
/// When the registry is away, or holds what cannot be read.
pub async fn point(
    app: &App,
    kept: &Kept<'_>,
    (step, version): (Step, Option<i64>),
    asked: &[Indicator],
) -> Result<Point, ApiError> {
    let nothing = || asked.iter().map(|indicator| (indicator.word(), None)).collect();
    let indicators = match version {
        Some(version) => indicators(app, kept, (step, version), asked).await?.unwrap_or_else(nothing),
        None => nothing(),
    };
    let version_id = version.map(|number| VersionId { model: kept.model.id.clone(), number }.to_string());
    Ok(Point { timestamp: step.start, until: step.end, version_id, indicators })
}

/// `None`: there was no traffic.
async fn indicators(
    app: &App,
    kept: &Kept<'_>,
    (step, version): (Step, i64),
    asked: &[Indicator],
) -> Result<Option<BTreeMap<&'static str, Option<f64>>>, ApiError> {
    let (model, within) = (&kept.model.id, (step.start, step.end));
    let traffic = traffic(&app.registry.window_services(model, version, within).await?)?;
    if traffic.requests() == 0 {
        return Ok(None);
    }
    let report = match asked.iter().any(|one| matches!(one, Indicator::Drift | Indicator::DataQuality)) {
        true => analysed(app, kept, (step, version)).await?,
        false => None,
    };
    let mut values = BTreeMap::new();
    for indicator in asked {
        let value = match indicator {
            Indicator::Drift => report.as_ref().and_then(|report| report.drift_score),
            Indicator::DataQuality => {
                report.as_ref().and_then(|report| Some(report.data_quality.as_ref()?.worst_share))
            }
            Indicator::Throughput => Some(traffic.requests() as f64),
            Indicator::Latency => traffic.duration_quantile(0.99).map(|seconds| seconds * 1e3),
            Indicator::AlertCount => {
                let raised =
                    kept.alerts.iter().filter(|(of, at)| *of == version && step.start <= *at && *at < step.end);
                Some(raised.count() as f64)
            }
            Indicator::Performance => {
                let labelled = Labelled { model, version, from: step.start, to: step.end };
                live_scores(app, labelled).await?.and_then(|live| live.accuracy.or(live.r2))
            }
        };
        values.insert(indicator.word(), value);
    }
    Ok(Some(values))
}

/// The last analysis that was made within a step.
async fn analysed(app: &App, kept: &Kept<'_>, (step, version): (Step, i64)) -> Result<Option<Report>, ApiError> {
    let found = app.registry.last_analysis_between(&kept.model.id, version, (step.start, step.end)).await?;
    found.as_ref().map(Report::kept).transpose().map_err(ApiError::internal)
}
