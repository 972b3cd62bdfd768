//! What is expected of answers without looking at labels.

use super::Scores;
use serde::Serialize;
use servoir_monitor::performance::{Confusion, ExpectedOfCounts};
use servoir_monitor::{Baseline, VersionCounts};
use utoipa::ToSchema;

/// What is expected of answers without looking at labels: as right as the model's scores are calibrated.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Always true: these are no measured values.
    estimated: bool,
    /// How many rows it is made of.
    rows: u64,
    scores: Scores,
    /// The area under the curve of the rows' own scores is within so much of `rocAuc`, which is made of counts.
    #[schema(required)]
    roc_auc_bound: Option<f64>,
}

/// The estimate from a window's counts; `None` of a model without scores, or of a window without rows.
pub fn estimate(baseline: &Baseline, counts: &VersionCounts) -> Option<Estimate> {
    let expected = ExpectedOfCounts::of(baseline, counts)?;
    let scores = Scores {
        accuracy: Some(expected.accuracy),
        f1_macro: expected.confusion.as_ref().and_then(Confusion::f1_macro),
        f1_weighted: expected.confusion.as_ref().and_then(Confusion::f1_weighted),
        roc_auc: expected.auc.map(|auc| auc.value),
        ..Scores::default()
    };
    Some(Estimate { estimated: true, rows: expected.rows, scores, roc_auc_bound: expected.auc.map(|auc| auc.bound) })
}
