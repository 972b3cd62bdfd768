//! How well scores tell one class from the other: the area under the receiver operating characteristic.

/// An area under the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auc {
    /// With scores that came together taken as equal.
    pub value: f64,
    /// Half the share of pairs that came together: where they stand for a range of scores, the area of the scores themselves is
    /// not farther from it than this.
    pub bound: f64,
}

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

    /// The area; `None` when one side has no rows.
    pub fn auc(&self) -> Option<Auc> {
        let pairs = self.positives * self.negatives;
        let value = (self.above + self.equal) / pairs;
        (pairs > 0.0).then(|| Auc { value, bound: self.equal / pairs })
    }
}
