//! An analysis as it is stored, shown and read back: what the crate `monitor` computes, and what stands beside it.

use super::quality::DataQuality;
use super::words::{category_schema, convention_schema, severity_schema, status_schema, window_schema};
use crate::monitoring::performance::Performance;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use servoir_monitor::WindowLength;
use servoir_monitor::analysis::{self, Severity, Status};
use servoir_monitor::convention::{Algorithm, Convention};
use servoir_registry::StoredAnalysis;
use servoir_types::Timestamp;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A window of a version's traffic beside its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftAnalysis)]
pub struct Report {
    /// `model_…`.
    pub model_id: String,
    /// Which version.
    #[schema(minimum = 1)]
    pub version: i64,
    /// `1h`, `6h`, `1d` or `7d`.
    #[schema(schema_with = window_schema)]
    pub window: WindowLength,
    /// Whose way of computing.
    #[schema(schema_with = convention_schema)]
    pub convention: Convention,
    /// When it was made.
    #[serde(deserialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub analysed_at: Timestamp,
    /// The worst of features and predictions: `ok`, `warning`, `alert`, `no-data` or `error`.
    #[schema(schema_with = status_schema)]
    pub overall_status: Status,
    /// Why there is no data, or what went wrong, and what to do.
    #[schema(required)]
    pub reason: Option<String>,
    /// The mean population stability index of the features that have one.
    #[schema(required, minimum = 0)]
    pub drift_score: Option<f64>,
    /// In the baseline's order.
    pub features: Vec<ColumnReport>,
    /// The model's answers; `null` when the baseline has none.
    #[schema(required)]
    pub prediction_drift: Option<PredictionReport>,
    /// Rows of the window that were counted.
    #[schema(minimum = 0)]
    pub sample_size: u64,
    /// The first moment of the window.
    #[serde(deserialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub window_start: Timestamp,
    /// The first moment after it.
    #[serde(deserialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub window_end: Timestamp,
    /// What was not computed, and why.
    pub algorithms_skipped: Vec<SkippedAlgorithm>,
    /// What of the values could not be used, or was never seen before; `null` without a baseline.
    #[schema(required)]
    pub data_quality: Option<DataQuality>,
    /// What labels, or until they come the model's own scores, say of the answers of the window.
    #[schema(required, value_type = Option<Performance>)]
    pub performance: Option<Value>,
    /// What the window is compared with.
    #[schema(required)]
    pub baseline: Option<ComparedBaseline>,
}

/// A feature or an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftColumn)]
pub struct ColumnReport {
    /// Its name.
    pub feature_name: String,
    /// `numeric` or `categorical`.
    #[schema(schema_with = category_schema)]
    pub category: String,
    /// By algorithm: those that could be computed.
    #[schema(value_type = BTreeMap<String, MetricReport>)]
    pub metrics: BTreeMap<Algorithm, MetricReport>,
    /// The worst of the metrics.
    #[schema(schema_with = status_schema)]
    pub status: Status,
    /// `none`, `low` (a warning), `medium` (an alert) or `high` (twice the threshold).
    #[schema(schema_with = severity_schema)]
    pub severity: Severity,
    /// Values that it was computed from.
    #[schema(minimum = 0)]
    pub sample_size: u64,
}

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DriftMetric)]
pub struct MetricReport {
    /// What is compared with the threshold: the statistic, or the p-value of a test.
    #[schema(minimum = 0)]
    pub value: f64,
    /// The threshold that was crossed; when none was, the first that would be.
    #[schema(required)]
    pub threshold: Option<f64>,
    /// What the value means.
    #[schema(schema_with = status_schema)]
    pub status: Status,
    /// The statistic of a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub statistic: Option<f64>,
    /// How far the statistic of the rows themselves may be from this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub bound: Option<f64>,
    /// What chance alone exceeds less than once in a thousand windows. A value below it is `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub chance: Option<f64>,
}

/// The answers of the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PredictionDrift)]
pub struct PredictionReport {
    /// The worst of the outputs.
    #[schema(schema_with = status_schema)]
    pub status: Status,
    /// In the baseline's order.
    pub outputs: Vec<ColumnReport>,
}

/// An algorithm that was not computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SkippedAlgorithm {
    /// Which.
    pub name: String,
    /// Why, and of which columns.
    pub reason: String,
}

/// The baseline that a window was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparedBaseline {
    /// `baseline_…`.
    pub id: String,
    /// `training`, `dataset`, `upload` or `production`.
    pub source: String,
    /// How many rows it was made from.
    #[schema(minimum = 0)]
    pub rows: u64,
}

impl Report {
    /// As it is kept.
    ///
    /// # Errors
    /// When what is kept cannot be read.
    pub fn kept(analysis: &StoredAnalysis) -> serde_json::Result<Self> {
        serde_json::from_str(&analysis.body)
    }

    /// Of a window of which nothing can be said.
    pub fn empty(model_id: &str, version: i64, window: WindowLength, now: Timestamp) -> Self {
        Self {
            model_id: model_id.to_owned(),
            version,
            window,
            convention: Convention::default(),
            analysed_at: now,
            overall_status: Status::NoData,
            reason: None,
            drift_score: None,
            features: Vec::new(),
            prediction_drift: None,
            sample_size: 0,
            window_start: window.start(now),
            window_end: super::window_end(now),
            algorithms_skipped: Vec::new(),
            data_quality: None,
            performance: None,
            baseline: None,
        }
    }

    /// The same with what was computed.
    #[must_use]
    pub fn with(self, analysis: analysis::Analysis) -> Self {
        let columns = |columns: Vec<analysis::ColumnAnalysis>| columns.into_iter().map(ColumnReport::from).collect();
        let skipped = analysis.algorithms_skipped.into_iter();
        Self {
            overall_status: analysis.overall_status,
            drift_score: analysis.drift_score,
            features: columns(analysis.features),
            prediction_drift: analysis
                .prediction_drift
                .map(|drift| PredictionReport { status: drift.status, outputs: columns(drift.outputs) }),
            sample_size: analysis.sample_size,
            window_start: analysis.window_start,
            window_end: analysis.window_end,
            algorithms_skipped: skipped
                .map(|one| SkippedAlgorithm { name: one.name.to_owned(), reason: one.reason })
                .collect(),
            ..self
        }
    }

    /// The features, and after them the outputs with what tells them from features.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &ColumnReport)> {
        let outputs = self.prediction_drift.iter().flat_map(|drift| &drift.outputs);
        self.features.iter().map(|column| ("feature", column)).chain(outputs.map(|column| ("output", column)))
    }
}

impl From<analysis::ColumnAnalysis> for ColumnReport {
    fn from(column: analysis::ColumnAnalysis) -> Self {
        let metric = |metric: analysis::Metric| MetricReport {
            value: metric.value,
            threshold: metric.threshold,
            status: metric.status,
            statistic: metric.statistic,
            bound: (metric.bound > 0.0).then_some(metric.bound),
            chance: metric.chance,
        };
        Self {
            feature_name: column.feature_name,
            category: column.category.to_owned(),
            metrics: column.metrics.into_iter().map(|(algorithm, value)| (algorithm, metric(value))).collect(),
            status: column.status,
            severity: column.severity,
            sample_size: column.sample_size,
        }
    }
}

impl ColumnReport {
    /// The population stability index, when it could be computed.
    pub fn psi(&self) -> Option<f64> {
        self.metrics.get(&Algorithm::Psi).map(|metric| metric.value)
    }
}

/// Reads a time as it is shown.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("'{text}' is no time")))
}
