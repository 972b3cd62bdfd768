//! From the sums of a model's trees to its outputs.

use super::header::Header;
use super::objective::{Kind, Link, Objective};
use crate::engine::trees::model::Outcome;
use servoir_types::{Data, Tensor};

/// What `Booster.predict` makes of the sums, with labels for classifiers.
pub struct Answer {
    /// Values of a row.
    width: usize,
    /// What the sums are divided by.
    rounds: Option<f64>,
    objective: Objective,
}

impl Answer {
    /// For a model of so many trees per output.
    pub fn new(header: &Header, rounds: usize) -> Self {
        #[allow(clippy::cast_precision_loss)] // a number of trees is far below 2^53
        let rounds = header.is_mean.then_some(rounds.max(1) as f64);
        Self { width: header.outputs, rounds, objective: header.objective }
    }
}

impl Outcome<f64> for Answer {
    fn outputs(&self, sums: &mut [f64], count: usize, outputs: &mut Vec<Tensor>) -> Result<(), String> {
        if let Some(rounds) = self.rounds {
            sums.iter_mut().for_each(|x| *x /= rounds);
        }
        self.objective.link.apply(sums, self.width);
        match self.objective.kind {
            Kind::Values => outputs.push(matrix(count, self.width, sums.to_vec())?),
            Kind::Binary => {
                outputs.push(labels(sums.iter().map(|p| i64::from(*p > 0.5)).collect())?);
                outputs.push(matrix(count, 2, sums.iter().flat_map(|p| [1.0 - p, *p]).collect())?);
            }
            Kind::Classes => {
                outputs.push(labels(sums.chunks_exact(self.width).map(largest).collect())?);
                outputs.push(matrix(count, self.width, sums.to_vec())?);
            }
        }
        Ok(())
    }
}

impl Link {
    /// Applies it to rows of `width` values.
    fn apply(self, sums: &mut [f64], width: usize) {
        match self {
            Self::Identity => {}
            Self::SignedSquare => sums.iter_mut().for_each(|x| *x *= x.abs()),
            Self::Exponential => sums.iter_mut().for_each(|x| *x = x.exp()),
            Self::Sigmoid { scale } => sums.iter_mut().for_each(|x| *x = 1.0 / (1.0 + (-scale * *x).exp())),
            Self::LogOnePlusExp => sums.iter_mut().for_each(|x| *x = x.exp().ln_1p()),
            Self::Softmax => sums.chunks_exact_mut(width).for_each(softmax),
        }
    }
}

/// Softmax in LightGBM's order of steps.
fn softmax(row: &mut [f64]) {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for x in &mut *row {
        *x = (*x - largest).exp();
        sum += *x;
    }
    row.iter_mut().for_each(|x| *x /= sum);
}

/// The position of the largest value, the first of several. NaN is above all, as for numpy's `argmax`.
fn largest(row: &[f64]) -> i64 {
    let mut best = 0;
    for (position, x) in row.iter().enumerate() {
        if *x > row[best] || (x.is_nan() && !row[best].is_nan()) {
            best = position;
        }
    }
    i64::try_from(best).unwrap_or(i64::MAX)
}

fn labels(labels: Vec<i64>) -> Result<Tensor, String> {
    Tensor::new(vec![labels.len()], Data::Int64(labels.into())).map_err(|error| error.to_string())
}

fn matrix(rows: usize, columns: usize, values: Vec<f64>) -> Result<Tensor, String> {
    Tensor::new(vec![rows, columns], Data::Fp64(values.into())).map_err(|error| error.to_string())
}
