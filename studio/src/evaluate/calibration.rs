//! Whether a probability is what it says: scikit-learn's `calibration_curve`, and the expected calibration error.

use super::quantile::{edges, quantile};
use super::sum::sum;
use serde::{Deserialize, Serialize};

/// Into how many bins the probabilities are put.
pub const BINS: usize = 10;

/// Probabilities of one class beside how often it came true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// In bins of the same width.
    pub uniform: Reliability,
    /// In bins of about the same number of rows.
    pub quantile: Reliability,
}

/// The bins that have rows, by rising probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The mean probability of each bin.
    pub predicted: Vec<f64>,
    /// The share of each bin's rows that are of the class.
    pub observed: Vec<f64>,
    /// Each bin's rows.
    pub counts: Vec<u64>,
    /// The expected calibration error: the mean distance of `predicted` and `observed`, weighted by `counts`; none without rows.
    pub error: Option<f64>,
}

/// Bins the probabilities of one class. `sorted` holds the same probabilities in rising order.
pub(super) fn calibration(rows: &[(f64, bool)], sorted: &[f64]) -> Calibration {
    // numpy's percentiles go through per cent and back, and so do their roundings.
    let quantiles: Vec<f64> =
        edges(0.0, 1.0, BINS).iter().filter_map(|share| quantile(sorted, share * 100.0 / 100.0)).collect();
    Calibration { uniform: reliability(rows, &edges(0.0, 1.0, BINS)), quantile: reliability(rows, &quantiles) }
}

fn reliability(rows: &[(f64, bool)], edges: &[f64]) -> Reliability {
    let inner = edges.get(1..edges.len().saturating_sub(1)).unwrap_or_default();
    let mut bins = vec![(Vec::new(), 0_u64); BINS];
    for &(probability, true_here) in rows {
        let bin = &mut bins[inner.partition_point(|&edge| edge < probability)];
        bin.0.push(probability);
        bin.1 += u64::from(true_here);
    }
    bins.retain(|bin| !bin.0.is_empty());
    let share = |total: f64, bin: &(Vec<f64>, u64)| total / bin.0.len() as f64;
    let predicted: Vec<f64> = bins.iter().map(|bin| share(sum(bin.0.iter().copied()), bin)).collect();
    let observed: Vec<f64> = bins.iter().map(|bin| share(bin.1 as f64, bin)).collect();
    let gaps = bins.iter().zip(predicted.iter().zip(&observed));
    let gap = sum(gaps.map(|(bin, (said, seen))| bin.0.len() as f64 * (said - seen).abs()));
    Reliability {
        error: (!rows.is_empty()).then_some(gap / rows.len() as f64),
        counts: bins.iter().map(|bin| bin.0.len() as u64).collect(),
        predicted,
        observed,
    }
}
