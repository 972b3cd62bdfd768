//! The rows that a classifier is wrong about, the surest first.

use serde::{Deserialize, Serialize};

/// The most rows that are kept.
pub const MISCLASSIFIED_MAX: usize = 5_000;

/// A row that was given a class that it is not of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Misclassified {
    /// Its place in the dataset, from 0.
    pub row: u64,
    /// The place of its true class among the classes.
    pub truth: u32,
    /// The place of the class that it was given.
    pub predicted: u32,
    /// The probability of that class.
    pub confidence: f64,
}

/// The surest of the wrong answers; equally sure ones by their place in the dataset.
pub(super) fn surest(wrong: impl Iterator<Item = Misclassified>) -> Vec<Misclassified> {
    let order = |a: &Misclassified, b: &Misclassified| b.confidence.total_cmp(&a.confidence).then(a.row.cmp(&b.row));
    let mut all: Vec<Misclassified> = wrong.collect();
    if all.len() > MISCLASSIFIED_MAX {
        all.select_nth_unstable_by(MISCLASSIFIED_MAX, order);
        all.truncate(MISCLASSIFIED_MAX);
    }
    all.sort_unstable_by(order);
    all
}
