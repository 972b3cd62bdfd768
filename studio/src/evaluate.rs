//! What a model is worth: every number of an evaluation, computed once from its predictions.
//!
//! Numbers are those of scikit-learn on the same predictions. What scikit-learn finds undefined is absent here.

mod calibration;
mod classification;
mod compare;
mod confusion;
mod curve;
mod importance;
mod misclassified;
mod paired;
mod precision_recall;
mod quantile;
mod ranked;
mod regression;
mod report;
mod residuals;
mod roc;
mod scores;
mod sum;

pub use calibration::{BINS, Calibration, Reliability};
pub use classification::{CLASSES_MAX, Classification};
pub use compare::{Comparison, Measured, SIGNIFICANT_BELOW, Test, compare};
pub use curve::{Averaged, Curve, POINTS_ALL_MAX, POINTS_MAX};
pub use importance::{Encoding, Importance, Method, Permutation, Ranking, ShapSum, Share};
pub use misclassified::{MISCLASSIFIED_MAX, Misclassified};
pub use paired::{PAIRED_ROWS_MAX, Paired};
pub use regression::Regression;
pub use report::{ClassScores, Report};
pub use residuals::{HISTOGRAM_BINS, Histogram, QUANTILES, Residuals, SAMPLE_MAX, Sampled};

use crate::predictions::Predictions;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Numbers by name, such as `accuracy` or `rmse`; `None` is a number that is not defined for these rows.
pub type Summary = BTreeMap<String, Option<f64>>;

/// What a model's answers to one split are worth. It is stored with the version, and every chart is read from it; its size is
/// bounded whatever the number of rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evaluation {
    /// Of a classifier.
    Classification(Box<Classification>),
    /// Of a regression.
    Regression(Box<Regression>),
}

impl Evaluation {
    /// The numbers that stand for the whole.
    pub fn summary(&self) -> &Summary {
        match self {
            Self::Classification(of) => &of.summary,
            Self::Regression(of) => &of.summary,
        }
    }

    /// How each row fared, for a comparison with another model on the same rows.
    pub fn paired(&self) -> &Paired {
        match self {
            Self::Classification(of) => &of.paired,
            Self::Regression(of) => &of.paired,
        }
    }
}

/// Evaluates answers. `rows` are the places of the rows in the dataset, from 0, in the order of the predictions.
///
/// Classifiers of more than [`CLASSES_MAX`] classes are none that the Studio trains: memory grows with the square of the classes.
pub fn evaluate(predictions: &Predictions, rows: &[u64]) -> Evaluation {
    match predictions {
        Predictions::Classes { classes, truth, probabilities } => {
            let scored = classification::Scored { classes, truth, probabilities, rows };
            Evaluation::Classification(Box::new(scored.evaluate()))
        }
        Predictions::Numbers { truth, predicted } => {
            Evaluation::Regression(Box::new(regression::evaluate(truth, predicted, rows)))
        }
    }
}
