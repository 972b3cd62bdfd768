//! Precision, recall and F1 by class: scikit-learn's `classification_report` with `zero_division=0`.

use super::confusion::Margins;
use super::sum::sum;
use serde::{Deserialize, Serialize};

/// Scores by class and their averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// In the order of the classes.
    pub classes: Vec<ClassScores>,
    /// The plain mean over the classes that occur, true or predicted.
    pub macro_average: ClassScores,
    /// The mean weighted by the rows of each class.
    pub weighted_average: ClassScores,
    /// Of all rows together.
    pub micro_average: ClassScores,
}

/// Scores of one class or an average of them. A quotient without anything to divide by is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Of the rows that were given the class, the share that is of it.
    pub precision: f64,
    /// Of the rows of the class, the share that was given it.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
    /// Rows of the class.
    pub support: u64,
}

impl ClassScores {
    fn new(right: u64, truth: u64, predicted: u64) -> Self {
        let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        Self {
            precision: share(right, predicted),
            recall: share(right, truth),
            f1: share(2 * right, truth + predicted),
            support: truth,
        }
    }

    /// The mean of scores, each with its weight.
    fn mean(scores: &[(Self, f64)], support: u64) -> Self {
        let weights = sum(scores.iter().map(|(_, weight)| *weight));
        let of = |get: fn(&Self) -> f64| {
            let total = sum(scores.iter().map(|(scores, weight)| get(scores) * weight));
            if weights == 0.0 { 0.0 } else { total / weights }
        };
        Self { precision: of(|it| it.precision), recall: of(|it| it.recall), f1: of(|it| it.f1), support }
    }
}

/// The report of a confusion matrix with these sums.
pub(super) fn report(margins: &Margins) -> Report {
    let classes: Vec<ClassScores> = (0..margins.truth.len())
        .map(|class| ClassScores::new(margins.right[class], margins.truth[class], margins.predicted[class]))
        .collect();
    let rows = margins.rows();
    let weighted = |weight: &dyn Fn(usize) -> f64| -> Vec<(ClassScores, f64)> {
        classes.iter().enumerate().map(|(class, scores)| (*scores, weight(class))).collect()
    };
    Report {
        macro_average: ClassScores::mean(&weighted(&|class| f64::from(u8::from(margins.occurs(class)))), rows),
        weighted_average: ClassScores::mean(&weighted(&|class| margins.truth[class] as f64), rows),
        micro_average: ClassScores::new(margins.right.iter().sum(), rows, rows),
        classes,
    }
}
