//! The evaluation of a regression.

use super::Summary;
use super::paired::Paired;
use super::quantile::quantile;
use super::residuals::{Residuals, residuals};
use super::sum::{finite, mean, sum};
use serde::{Deserialize, Serialize};

/// What a regression's answers to one split are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// How many rows there were.
    pub rows: u64,
    /// The numbers that stand for the whole.
    pub summary: Summary,
    /// How far off the answers are.
    pub residuals: Residuals,
    /// How far off each row is.
    pub paired: Paired,
}

pub(super) fn evaluate(truth: &[f64], predicted: &[f64], rows: &[u64]) -> Regression {
    let errors: Vec<f64> = truth.iter().zip(predicted).map(|(truth, predicted)| truth - predicted).collect();
    Regression {
        rows: truth.len() as u64,
        summary: summary(truth, &errors),
        residuals: residuals(truth, predicted, &errors, rows),
        paired: Paired::of_numbers(truth, &errors, rows),
    }
}

/// The numbers, each by the name that scikit-learn has for it.
fn summary(truth: &[f64], errors: &[f64]) -> Summary {
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let mse = mean(errors.iter().map(|error| error * error));
    let percentages = truth.iter().zip(errors).map(|(truth, error)| error.abs() / truth.abs().max(f64::EPSILON));
    let mut summary = Summary::new();
    let mut put = |name: &str, number: Option<f64>| summary.insert(name.to_owned(), number.and_then(finite));
    put("mae", Some(mean(sizes.iter().copied())));
    put("mse", Some(mse));
    put("rmse", Some(mse.sqrt()));
    put("median_ae", quantile(&sizes, 0.5));
    put("max_error", sizes.last().copied());
    put("mape", Some(mean(percentages)));
    let spread = squares_about_mean(truth);
    let squares = sum(errors.iter().map(|error| error * error));
    // One row has no spread to explain.
    put("r2", (truth.len() > 1).then(|| explained(squares, spread)));
    put("explained_variance", (!truth.is_empty()).then(|| explained(squares_about_mean(errors), spread)));
    summary
}

/// The share of `whole` that is not left: 1 when nothing is left, 0 when something is left of nothing.
fn explained(left: f64, whole: f64) -> f64 {
    match (left == 0.0, whole == 0.0) {
        (true, _) => 1.0,
        (false, true) => 0.0,
        (false, false) => 1.0 - left / whole,
    }
}

/// The sum of squared distances from the mean; exactly 0 when all numbers are the same.
fn squares_about_mean(numbers: &[f64]) -> f64 {
    if numbers.iter().all(|number| *number == numbers[0]) {
        return 0.0;
    }
    let middle = mean(numbers.iter().copied());
    sum(numbers.iter().map(|number| (number - middle).powi(2)))
}
