//! How good answers are expected to be before any label is there, from the model's own confidence.
//!
//! The idea of NannyML's CBPE: when scores are calibrated, a row that is answered with a score of 0.9 is right with a
//! probability of 0.9. Adding up the scores gives the expected confusion matrix. It is as right as the scores are calibrated, and
//! says nothing of a change in what the features mean.

use super::{Auc, Confusion, Ranks};
use serde::{Deserialize, Serialize};

/// The expected confusion matrix, and of two classes the expected ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    confusion: Confusion,
    ranks: Option<Ranks>,
}

impl Expected {
    /// Of a model of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { confusion: Confusion::new(classes), ranks: (classes == 2).then(Ranks::default) }
    }

    /// Takes in the scores of a row, one for each class, as probabilities that add up to 1. The answer is the first of the largest. A
    /// row whose scores are none is left out, and `false` comes back.
    pub fn add<T: Copy + Into<f64>>(&mut self, scores: &[T]) -> bool {
        let mut answer = 0;
        let mut sum = 0.0;
        for (class, score) in scores.iter().map(|score| (*score).into()).enumerate() {
            if !(0.0..=1.0 + 1e-6).contains(&score) {
                return false;
            }
            sum += score;
            if score > scores[answer].into() {
                answer = class;
            }
        }
        if sum <= 0.0 {
            return false;
        }
        for (class, score) in scores.iter().enumerate() {
            self.confusion.add_weight(class, answer, (*score).into() / sum);
        }
        if let (Some(ranks), [_, positive]) = (&mut self.ranks, scores) {
            let probability = (*positive).into() / sum;
            ranks.add_weight(probability, probability);
        }
        true
    }

    /// Adds what others have taken in.
    pub fn merge(&mut self, other: &Self) {
        self.confusion.merge(&other.confusion);
        if let (Some(ranks), Some(other)) = (&mut self.ranks, &other.ranks) {
            ranks.merge(other);
        }
    }

    /// The expected confusion matrix, from which accuracy and F1 follow.
    pub fn confusion(&self) -> &Confusion {
        &self.confusion
    }

    /// The expected area under the curve, of two classes.
    pub fn auc(&self) -> Option<Auc> {
        self.ranks.as_ref()?.auc()
    }
}
