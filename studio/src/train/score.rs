//! The numbers that learners are compared by. Everything else about a model is for evaluation to say.

use crate::predictions::Predictions;
use std::collections::BTreeMap;

/// The name of the number that a search compares: smaller is better.
pub fn name(classes: usize) -> &'static str {
    if classes == 0 { "rmse" } else { "log_loss" }
}

/// `log_loss` or `rmse`.
pub fn score(predictions: &Predictions) -> f64 {
    match predictions {
        Predictions::Classes { .. } => log_loss(predictions),
        Predictions::Numbers { truth, predicted } => mean_square(truth, predicted).sqrt(),
    }
}

/// The score and its companions by name: `log_loss` and `accuracy`, or `rmse`, `mae` and `r2`. What is not finite is left out.
#[allow(clippy::cast_precision_loss)] // numbers of rows
pub fn metrics(predictions: &Predictions) -> BTreeMap<String, f64> {
    let named: Vec<(&str, f64)> = match predictions {
        Predictions::Classes { classes, truth, probabilities } => {
            let rows = probabilities.chunks_exact(classes.len()).zip(truth);
            let right = rows.filter(|(row, truth)| first_of_largest(row) == **truth as usize).count();
            vec![("log_loss", log_loss(predictions)), ("accuracy", right as f64 / truth.len() as f64)]
        }
        Predictions::Numbers { truth, predicted } => {
            let count = truth.len() as f64;
            let mean = truth.iter().sum::<f64>() / count;
            let spread = truth.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count;
            let error = mean_square(truth, predicted);
            let absolute = truth.iter().zip(predicted).map(|(truth, predicted)| (truth - predicted).abs()).sum::<f64>();
            vec![("rmse", error.sqrt()), ("mae", absolute / count), ("r2", 1.0 - error / spread)]
        }
    };
    named.into_iter().filter(|(_, number)| number.is_finite()).map(|(name, number)| (name.into(), number)).collect()
}

/// The class that is predicted: the first of the largest.
pub fn first_of_largest(row: &[f64]) -> usize {
    (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
}

/// The mean of `-ln p` of the true classes, `p` cut to what 64 bits tell from 0 and from 1, as scikit-learn does.
#[allow(clippy::cast_precision_loss)] // numbers of rows
fn log_loss(predictions: &Predictions) -> f64 {
    let Predictions::Classes { classes, truth, probabilities } = predictions else { return f64::NAN };
    let rows = probabilities.chunks_exact(classes.len()).zip(truth);
    let losses = rows.map(|(row, &truth)| {
        let sum: f64 = row.iter().sum();
        -(row[truth as usize] / sum).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    });
    losses.sum::<f64>() / truth.len() as f64
}

#[allow(clippy::cast_precision_loss)] // numbers of rows
fn mean_square(truth: &[f64], predicted: &[f64]) -> f64 {
    truth.iter().zip(predicted).map(|(truth, predicted)| (truth - predicted).powi(2)).sum::<f64>() / truth.len() as f64
}
