//! The estimate from counts alone: of a window of which nothing but the counts of its columns is kept.
//!
//! What the rows' scores add up to is in the counts, so the expected confusion matrix of two classes follows exactly: with `n`
//! rows, `a` of them answered with the second class, scores of the second class that add up to `p` and confidences that add
//! up to `c`, the true positives are `(c - n + a + p) / 2`.

use super::{Auc, Confusion, Ordered};
use crate::baseline::{Baseline, Column, Profile};
use crate::counts::{ColumnCounts, NumberCounts, VersionCounts};
use crate::grid::Grid;

/// What is expected of answers, from what was counted of their scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedOfCounts {
    /// How many rows have scores.
    pub rows: u64,
    /// The share of right answers.
    pub accuracy: f64,
    /// Of two classes.
    pub confusion: Option<Confusion>,
    /// Of two classes. The area of the scores themselves is within its bound.
    pub auc: Option<Auc>,
}

impl ExpectedOfCounts {
    /// Of a window's counts; `None` of a model without scores, or of a window without rows.
    pub fn of(baseline: &Baseline, counts: &VersionCounts) -> Option<Self> {
        let outputs = || baseline.outputs.iter().zip(&counts.outputs);
        let (grid, confidence) = outputs().find_map(|of| numbers(of, |name| name == "confidence"))?;
        let rows = confidence.count();
        let mean = confidence.mean(grid)?;
        let mut scores = outputs().filter(|(column, _)| column.name.starts_with("probabilities."));
        let second = match (scores.next(), scores.next(), scores.next()) {
            (Some(_), Some(second), None) => Some(second),
            _ => None,
        };
        let second = second.and_then(|of| Some((of.0.name.strip_prefix("probabilities.")?, numbers(of, |_| true)?)));
        let expected = second.filter(|(_, (_, scores))| scores.count() == rows);
        let confusion = expected.and_then(|(class, (grid, scores))| {
            let answered = outputs().find_map(|of| answered(of, class))? as f64;
            let (rows, right, positives) = (rows as f64, mean * rows as f64, scores.mean(grid)? * rows as f64);
            let both = ((right - rows + answered + positives) / 2.0).clamp(0.0, answered.min(positives));
            let mut confusion = Confusion::new(2);
            confusion.add_weight(1, 1, both);
            confusion.add_weight(0, 1, answered - both);
            confusion.add_weight(1, 0, positives - both);
            confusion.add_weight(0, 0, (right - both).max(0.0));
            Some(confusion)
        });
        let auc = expected.and_then(|(_, (grid, scores))| auc(grid, scores));
        Some(Self { rows, accuracy: mean, confusion, auc })
    }
}

/// The counts of an output of numbers with this name.
fn numbers<'a>(
    (column, counts): (&'a Column, &'a ColumnCounts),
    is_named: impl Fn(&str) -> bool,
) -> Option<(&'a Grid, &'a NumberCounts)> {
    match (&column.profile, counts) {
        (Profile::Number(profile), ColumnCounts::Number(counts)) if is_named(&column.name) => {
            Some((&profile.grid, counts))
        }
        _ => None,
    }
}

/// How many rows were answered with a class.
fn answered((column, counts): (&Column, &ColumnCounts), class: &str) -> Option<u64> {
    match (&column.profile, counts) {
        (Profile::Category(profile), ColumnCounts::Category(counts)) if column.name == "label" => {
            let slot = profile.values.iter().position(|(value, _)| value == class)?;
            counts.values.get(slot).copied()
        }
        _ => None,
    }
}

fn auc(grid: &Grid, scores: &NumberCounts) -> Option<Auc> {
    let mut ordered = Ordered::default();
    for bin in scores.bins(grid) {
        let positives = (bin.sum + grid.pivot() * bin.count as f64).clamp(0.0, bin.count as f64);
        ordered.add(positives, bin.count as f64 - positives);
    }
    ordered.auc()
}
