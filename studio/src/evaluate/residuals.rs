//! How far off a regression's answers are. A residual is the true number less the predicted one.

use super::curve::thinned;
use super::quantile::{edges, quantile};
use super::sum::{finite, mean, sum};
use serde::{Deserialize, Serialize};

/// The shares at which quantiles are kept.
pub const QUANTILES: [f64; 11] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
/// Bars of the histogram.
pub const HISTOGRAM_BINS: usize = 50;
/// The most rows that are kept with both numbers.
pub const SAMPLE_MAX: usize = 1_000;

/// How far off the answers are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// The mean residual; none without rows.
    pub mean: Option<f64>,
    /// The standard deviation (of the rows, not of a sample); none without rows.
    pub deviation: Option<f64>,
    /// At [`QUANTILES`]; empty without rows.
    pub quantiles: Vec<Option<f64>>,
    /// How often which residual occurs.
    pub histogram: Histogram,
    /// Evenly spaced rows with both numbers.
    pub sample: Vec<Sampled>,
}

/// How many residuals are in each of [`HISTOGRAM_BINS`] bins of the same width. A bin has its lower edge, the last both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// One more than bins; empty without rows, or when a residual is not finite.
    pub edges: Vec<f64>,
    /// By bin.
    pub counts: Vec<u64>,
}

/// A row with both numbers; none is a number that JSON cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// Its place in the dataset, from 0.
    pub row: u64,
    /// The true number.
    pub truth: Option<f64>,
    /// The predicted one.
    pub predicted: Option<f64>,
}

pub(super) fn residuals(truth: &[f64], predicted: &[f64], errors: &[f64], rows: &[u64]) -> Residuals {
    let mut sorted = errors.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = mean(errors.iter().copied());
    let variance = sum(errors.iter().map(|error| (error - middle).powi(2))) / errors.len() as f64;
    let quantiles = QUANTILES.iter().filter_map(|share| quantile(&sorted, *share)).map(finite).collect();
    let sample = thinned(rows.len(), SAMPLE_MAX).map(|place| Sampled {
        row: rows[place],
        truth: finite(truth[place]),
        predicted: finite(predicted[place]),
    });
    Residuals {
        mean: finite(middle),
        deviation: finite(variance.sqrt()),
        quantiles,
        histogram: histogram(&sorted),
        sample: sample.collect(),
    }
}

/// numpy's `histogram` of numbers in rising order.
fn histogram(sorted: &[f64]) -> Histogram {
    let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else {
        return Histogram { edges: Vec::new(), counts: Vec::new() };
    };
    if !(last - first).is_finite() {
        return Histogram { edges: Vec::new(), counts: Vec::new() };
    }
    // All the same: a bin around it.
    let (from, to) = if first == last { (first - 0.5, last + 0.5) } else { (first, last) };
    let edges = edges(from, to, HISTOGRAM_BINS);
    let below = |edge: f64| sorted.partition_point(|number| *number < edge) as u64;
    let mut bounds: Vec<u64> = edges.iter().map(|edge| below(*edge)).collect();
    bounds[HISTOGRAM_BINS] = sorted.len() as u64;
    Histogram { counts: bounds.windows(2).map(|pair| pair[1] - pair[0]).collect(), edges }
}
