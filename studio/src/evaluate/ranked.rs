//! Rows ranked by the score of one class: the one sort that curves and quantiles are made from.

/// Where the score falls below a threshold: how many rows are at or above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// The score of all rows that are new here.
    pub threshold: f64,
    /// Rows of the class at or above it.
    pub true_positives: u64,
    /// Rows of other classes at or above it.
    pub false_positives: u64,
}

/// The rows' scores for one class.
pub(super) struct Ranked {
    /// In rising order.
    pub scores: Vec<f64>,
    /// One for each distinct score, the highest first.
    pub steps: Vec<Step>,
}

impl Ranked {
    /// Ranks rows, each with its score and whether it is of the class.
    pub fn new(rows: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut rows: Vec<(f64, bool)> = rows.collect();
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<Step> = Vec::new();
        let (mut positives, mut negatives) = (0, 0);
        for (place, &(score, positive)) in rows.iter().enumerate() {
            positives += u64::from(positive);
            negatives += u64::from(!positive);
            if rows.get(place + 1).is_none_or(|next| next.0 != score) {
                steps.push(Step { threshold: score, true_positives: positives, false_positives: negatives });
            }
        }
        Self { scores: rows.iter().rev().map(|row| row.0).collect(), steps }
    }

    /// Rows of the class.
    pub fn positives(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.true_positives)
    }

    /// Rows of other classes.
    pub fn negatives(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.false_positives)
    }
}
