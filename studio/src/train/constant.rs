//! The baseline: an answer that is the same for every row. What is not better has learned nothing.

use super::learner::Part;
use crate::prepare::target::Truth;

/// The shares of the classes among the training rows, or the mean: what each row is answered.
#[allow(clippy::cast_precision_loss)] // numbers of rows
pub fn constant(train: &Part, classes: usize) -> Vec<f64> {
    match &train.truth {
        Truth::Classes(of) => {
            let mut shares = vec![0.0; classes];
            of.iter().for_each(|&class| shares[class as usize] += 1.0 / of.len() as f64);
            shares
        }
        Truth::Numbers(of) => vec![of.iter().sum::<f64>() / of.len() as f64],
    }
}
