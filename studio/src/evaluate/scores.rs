//! A classifier's summary: one number for each question that is asked of it.

use super::Summary;
use super::classification::Scored;
use super::confusion::Margins;
use super::report::Report;
use super::sum::{finite, mean, sum};

/// What the summary is made from.
pub(super) struct Parts<'a> {
    pub scored: &'a Scored<'a>,
    pub margins: &'a Margins,
    pub report: &'a Report,
    /// Of the second of two classes; of more, the mean over the classes for which it is defined.
    pub roc_auc: Option<f64>,
    /// Likewise.
    pub average_precision: Option<f64>,
    /// The expected calibration error of the probability of the predicted class.
    pub calibration_error: Option<f64>,
}

/// The numbers, each by the name that scikit-learn has for it.
pub(super) fn summary(parts: &Parts) -> Summary {
    let rows = parts.margins.rows();
    let of_rows = |number: f64| if rows == 0 { None } else { finite(number) };
    let mut summary = Summary::new();
    let mut put = |name: &str, number: Option<f64>| summary.insert(name.to_owned(), number);
    put("accuracy", of_rows(parts.margins.right.iter().sum::<u64>() as f64 / rows as f64));
    put("balanced_accuracy", of_rows(balanced_accuracy(parts.margins)));
    let averages = [
        ("macro", parts.report.macro_average),
        ("weighted", parts.report.weighted_average),
        ("micro", parts.report.micro_average),
    ];
    for (average, scores) in averages {
        put(&format!("precision_{average}"), of_rows(scores.precision));
        put(&format!("recall_{average}"), of_rows(scores.recall));
        put(&format!("f1_{average}"), of_rows(scores.f1));
    }
    put("log_loss", of_rows(log_loss(parts.scored)));
    put("brier", of_rows(brier(parts.scored)));
    put("mcc", of_rows(matthews(parts.margins)));
    put("roc_auc", parts.roc_auc);
    put("average_precision", parts.average_precision);
    put("expected_calibration_error", parts.calibration_error);
    summary
}

/// The mean recall of the classes that have rows.
fn balanced_accuracy(margins: &Margins) -> f64 {
    let recalls: Vec<f64> = margins
        .truth
        .iter()
        .zip(&margins.right)
        .filter(|(rows, _)| **rows > 0)
        .map(|(&rows, &right)| right as f64 / rows as f64)
        .collect();
    mean(recalls.into_iter())
}

/// The mean of -ln p of the true class, p kept off 0 and 1 by the precision of its type.
fn log_loss(scored: &Scored) -> f64 {
    let losses = scored
        .truth
        .iter()
        .zip(scored.probabilities())
        .map(|(&truth, probabilities)| -probabilities[truth as usize].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln());
    sum(losses) / scored.truth.len() as f64
}

/// The mean squared distance of the probabilities from the truth; of two classes that of the second.
fn brier(scored: &Scored) -> f64 {
    let first = if scored.classes.len() == 2 { 1 } else { 0 };
    let distances = scored.truth.iter().zip(scored.probabilities()).flat_map(|(&truth, probabilities)| {
        probabilities.iter().enumerate().skip(first).map(move |(class, probability)| {
            let target = if class == truth as usize { 1.0 } else { 0.0 };
            (target - probability).powi(2)
        })
    });
    sum(distances) / scored.truth.len() as f64
}

/// Matthews' correlation coefficient, for many classes too (Gorodkin's); 0 where it is not defined.
fn matthews(margins: &Margins) -> f64 {
    let product =
        |a: &[u64], b: &[u64]| -> i128 { a.iter().zip(b).map(|(a, b)| i128::from(*a) * i128::from(*b)).sum() };
    let rows = i128::from(margins.rows());
    let right: i128 = margins.right.iter().map(|right| i128::from(*right)).sum();
    let covariance = right * rows - product(&margins.truth, &margins.predicted);
    let of_truth = rows * rows - product(&margins.truth, &margins.truth);
    let of_predicted = rows * rows - product(&margins.predicted, &margins.predicted);
    if of_truth == 0 || of_predicted == 0 {
        return 0.0;
    }
    covariance as f64 / (of_truth as f64 * of_predicted as f64).sqrt()
}
