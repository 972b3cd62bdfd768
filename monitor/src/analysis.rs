//! An analysis: a window beside its baseline, statistic by statistic, and what it comes to.

mod column;
mod settings;

pub use column::{ColumnAnalysis, Metric};
pub use settings::{Settings, Threshold, Thresholds};

use crate::baseline::{Baseline, Column};
use crate::convention::Algorithm;
use crate::counts::{ColumnCounts, VersionCounts};
use crate::statistics::reason::Reason;
use crate::statistics::samples::Sample;
use column::Compared;
use serde::{Deserialize, Serialize};
use servoir_types::Timestamp;
use std::collections::BTreeMap;

/// How a metric, a feature or a version is doing. The later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// There is too little to say anything.
    NoData,
    /// Nothing differs that matters.
    Ok,
    /// Something differs.
    Warning,
    /// Something differs much.
    Alert,
    /// It could not be found out.
    Error,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not at all.
    None,
    /// A warning.
    Low,
    /// An alert.
    Medium,
    /// An alert of twice the threshold, or more.
    High,
}

/// A window beside its baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// The worst of features and predictions.
    pub overall_status: Status,
    /// The mean population stability index of the features that have one.
    pub drift_score: Option<f64>,
    /// The features, in the baseline's order.
    pub features: Vec<ColumnAnalysis>,
    /// The model's answers; none when the baseline has none.
    pub prediction_drift: Option<PredictionDrift>,
    /// The rows of the window.
    pub sample_size: u64,
    /// Its first moment.
    pub window_start: Timestamp,
    /// The first moment after it.
    pub window_end: Timestamp,
    /// What was not computed, and why.
    pub algorithms_skipped: Vec<Skipped>,
}

/// The answers of a window beside those of the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictionDrift {
    /// The worst of the outputs.
    pub status: Status,
    /// The outputs, in the baseline's order.
    pub outputs: Vec<ColumnAnalysis>,
}

/// An algorithm that was not computed for some columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Which.
    pub name: &'static str,
    /// Why, and of which columns.
    pub reason: String,
}

/// What is analysed.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// What is normal.
    pub baseline: &'a Baseline,
    /// What came.
    pub counts: &'a VersionCounts,
    /// Recorded values by column, for conventions that need them.
    pub samples: &'a BTreeMap<String, Recorded>,
    /// The first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

/// Values of a column that were recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorded {
    /// Of the baseline. Without them, what needs no more than the baseline's histogram is computed.
    pub reference: Option<Sample>,
    /// Of the window.
    pub current: Sample,
}

type Reasons = BTreeMap<(Algorithm, Reason), Vec<String>>;

impl Window<'_> {
    /// Compares every column under the settings.
    pub fn analysis(&self, settings: &Settings) -> Analysis {
        let mut reasons = Reasons::new();
        let features = self.columns(settings, &self.baseline.features, &self.counts.features, &mut reasons);
        let outputs = self.columns(settings, &self.baseline.outputs, &self.counts.outputs, &mut reasons);
        let columns = features.len() + outputs.len();
        let prediction_drift =
            (!outputs.is_empty()).then(|| PredictionDrift { status: together(&outputs, columns), outputs });
        let overall_status = together(&features, columns)
            .max(prediction_drift.as_ref().map_or(Status::NoData, |predictions| predictions.status));
        Analysis {
            overall_status,
            drift_score: mean_psi(&features),
            features,
            prediction_drift,
            sample_size: self.counts.rows,
            window_start: self.start,
            window_end: self.end,
            algorithms_skipped: skipped(reasons),
        }
    }

    fn columns(
        &self,
        settings: &Settings,
        columns: &[Column],
        counts: &[ColumnCounts],
        reasons: &mut Reasons,
    ) -> Vec<ColumnAnalysis> {
        let is_too_small = self.counts.rows < settings.min_window_sample_size;
        let compared = columns.iter().zip(counts).map(|(column, counts)| {
            let compared = Compared { column, counts, samples: self.samples.get(&column.name) };
            let mut skip = |algorithm, reason| {
                let names = reasons.entry((algorithm, reason)).or_default();
                names.push(column.name.clone());
            };
            if is_too_small {
                let reason = Reason::TooFew { rows: self.counts.rows, needed: settings.min_window_sample_size };
                settings.algorithms().iter().for_each(|algorithm| skip(*algorithm, reason));
            }
            compared.analysis(settings, is_too_small, &mut skip)
        });
        compared.collect()
    }
}

/// The worst of columns. A p-value below the threshold is to be expected in one of many columns when nothing differs: here it
/// counts when it is below the threshold divided by the number of all columns (Bonferroni).
fn together(columns: &[ColumnAnalysis], of: usize) -> Status {
    columns.iter().map(|column| column.status_among(of)).max().unwrap_or(Status::NoData)
}

fn mean_psi(features: &[ColumnAnalysis]) -> Option<f64> {
    let values: Vec<f64> =
        features.iter().filter_map(|feature| Some(feature.metrics.get(&Algorithm::Psi)?.value)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Names of columns that a reason tells at most.
const NAMED_MAX: usize = 10;

fn skipped(reasons: Reasons) -> Vec<Skipped> {
    let sentence = |reason: Reason, columns: &[String]| {
        let more = columns.len().saturating_sub(NAMED_MAX);
        let names = columns.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{reason}: {names}{more}")
    };
    reasons
        .into_iter()
        .map(|((algorithm, reason), columns)| Skipped { name: algorithm.as_str(), reason: sentence(reason, &columns) })
        .collect()
}
