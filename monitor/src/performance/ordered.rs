//! The exact area under the receiver operating characteristic, of scores that come in their order.

/// Scores from the least to the greatest, each once, with the rows that have it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ordered {
    positives: f64,
    negatives: f64,
    /// Pairs in which the positive row has the greater score, and half of those with equal scores.
    above: f64,
    equal: f64,
}

impl Ordered {
    /// Adds the rows of the next greater score.
    pub fn add(&mut self, positives: f64, negatives: f64) {
        self.above += positives * self.negatives;
        self.equal += positives * negatives / 2.0;
        self.positives += positives;
        self.negatives += negatives;
    }

    /// The area, and how much of it comes from rows with equal scores; `None` when one side has no rows.
    pub fn auc(&self) -> Option<super::Auc> {
        let pairs = self.positives * self.negatives;
        let value = (self.above + self.equal) / pairs;
        (pairs > 0.0).then(|| super::Auc { value, bound: self.equal / pairs })
    }
}
