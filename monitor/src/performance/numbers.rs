//! Answers of a regression beside the truth.

use serde::{Deserialize, Serialize};

/// What mean errors and R2 are computed from, in 48 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Errors {
    count: u64,
    absolute: f64,
    squared: f64,
    truth_mean: f64,
    truth_squares: f64,
}

/// Sums over answers and truths that somebody else has added up.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ErrorSums {
    /// How many answers.
    pub count: u64,
    /// Of absolute errors.
    pub absolute: f64,
    /// Of squared errors.
    pub squared: f64,
    /// The mean of the truths.
    pub truth_mean: f64,
    /// Of the truths' squared differences from their mean.
    pub truth_squares: f64,
}

impl From<ErrorSums> for Errors {
    fn from(sums: ErrorSums) -> Self {
        let ErrorSums { count, absolute, squared, truth_mean, truth_squares } = sums;
        Self { count, absolute, squared, truth_mean, truth_squares }
    }
}

impl Errors {
    /// Counts an answer; one that is not finite beside a truth that is not finite is left out, and `false` comes back.
    pub fn add(&mut self, truth: f64, answer: f64) -> bool {
        let error = answer - truth;
        if !error.is_finite() {
            return false;
        }
        self.merge(&Self {
            count: 1,
            absolute: error.abs(),
            squared: error * error,
            truth_mean: truth,
            truth_squares: 0.0,
        });
        true
    }

    /// Adds what others were counted.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let difference = other.truth_mean - self.truth_mean;
        *self = Self {
            count: self.count + other.count,
            absolute: self.absolute + other.absolute,
            squared: self.squared + other.squared,
            truth_mean: self.truth_mean + difference * m / (n + m),
            truth_squares: self.truth_squares + other.truth_squares + difference * difference * n * m / (n + m),
        };
    }

    /// How many answers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean absolute error.
    pub fn mae(&self) -> Option<f64> {
        (self.count > 0).then(|| self.absolute / self.count as f64)
    }

    /// The root of the mean squared error.
    pub fn rmse(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.squared / self.count as f64).sqrt())
    }

    /// The share of the truth's variance that is explained; `None` of a truth that does not vary.
    pub fn r2(&self) -> Option<f64> {
        (self.truth_squares > 0.0).then(|| 1.0 - self.squared / self.truth_squares)
    }
}
