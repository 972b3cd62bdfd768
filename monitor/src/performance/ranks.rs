//! How well scores tell one class from the others: the area under the receiver operating characteristic, in bounded memory.

use serde::{Deserialize, Serialize};

/// Scores from 0 to 1 are counted in so many bins of equal width.
const BINS: usize = 1000;

/// Scores of rows that are of a class, and of those that are not, in a thousand bins: 16 kB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

/// An area under the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Auc {
    /// With scores of the same bin taken as equal.
    pub value: f64,
    /// The area of the scores themselves is not farther from it than this: half the share of pairs that are in the same bin.
    pub bound: f64,
}

impl Default for Ranks {
    fn default() -> Self {
        Self { positives: vec![0.0; BINS], negatives: vec![0.0; BINS] }
    }
}

impl Ranks {
    /// Counts a row; one without a finite score is left out.
    pub fn add(&mut self, score: f64, is_positive: bool) {
        self.add_weight(score, f64::from(u8::from(is_positive)));
    }

    /// Counts a row that is of the class with a probability.
    pub(super) fn add_weight(&mut self, score: f64, probability: f64) {
        if score.is_finite() && (0.0..=1.0).contains(&probability) {
            let bin = ((score * BINS as f64) as usize).min(BINS - 1);
            self.positives[bin] += probability;
            self.negatives[bin] += 1.0 - probability;
        }
    }

    /// Adds what others were counted.
    pub fn merge(&mut self, other: &Self) {
        self.positives.iter_mut().zip(&other.positives).for_each(|(count, other)| *count += other);
        self.negatives.iter_mut().zip(&other.negatives).for_each(|(count, other)| *count += other);
    }

    /// The area; `None` when one side has no rows.
    pub fn auc(&self) -> Option<Auc> {
        let pairs = self.positives.iter().sum::<f64>() * self.negatives.iter().sum::<f64>();
        let (mut below, mut above, mut equal) = (0.0, 0.0, 0.0);
        for (positives, negatives) in self.positives.iter().zip(&self.negatives) {
            above += positives * below;
            equal += positives * negatives;
            below += negatives;
        }
        (pairs > 0.0).then(|| Auc { value: (above + equal / 2.0) / pairs, bound: equal / 2.0 / pairs })
    }
}
