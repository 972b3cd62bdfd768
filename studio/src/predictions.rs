//! What a model said of rows whose truth is known: what evaluation works on.

/// Answers beside the truth, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Predictions {
    /// Of a classifier.
    Classes {
        /// In the order of the probabilities.
        classes: Vec<String>,
        /// The true class of each row.
        truth: Vec<u32>,
        /// Row after row, one per class. The class that is predicted is the first of the largest.
        probabilities: Vec<f64>,
    },
    /// Of a regression.
    Numbers {
        /// The true number of each row.
        truth: Vec<f64>,
        /// The predicted one.
        predicted: Vec<f64>,
    },
}
