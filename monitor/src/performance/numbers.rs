//! Answers of a regression beside the truth.

/// What mean errors and R2 are computed from.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ErrorSums {
    /// How many answers.
    pub count: u64,
    /// Of absolute errors.
    pub absolute: f64,
    /// Of squared errors.
    pub squared: f64,
    /// Of the truths' squared differences from their mean.
    pub truth_squares: f64,
}

impl ErrorSums {
    /// The mean absolute error; `None` of no answers.
    pub fn mae(&self) -> Option<f64> {
        (self.count > 0).then(|| self.absolute / self.count as f64)
    }

    /// The root of the mean squared error; `None` of no answers.
    pub fn rmse(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squared / self.count as f64).sqrt())
    }

    /// The share of the truth's variance that is explained; `None` of a truth that does not vary.
    pub fn r2(&self) -> Option<f64> {
        (self.truth_squares > 0.0).then(|| 1.0 - self.squared / self.truth_squares)
    }
}
