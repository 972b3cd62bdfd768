//! Logistic regression: the sum of a row's numbers, weighted, is the logarithm of the odds. Large weights cost what `C`
//! says, as scikit-learn defines it; of two classes there is one sum, of more one for each.

use super::boosting::go_on;
use super::descent::{Limits, descend};
use super::error::TrainError;
use super::hyperparameters::Hyperparameters;
use super::learner::{Learned, Learner, Listener, Material, Part, Round};
use super::model::{Linear, Model};
use super::score;
use crate::prepare::target::Truth;
use ndarray::{Array1, Array2, Axis, Slice};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Logistic regression with these settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic(pub Hyperparameters);

/// The largest slope of the mean loss at which the weights count as found.
const SLOPE_MAX: f64 = 1e-6;

impl Learner for Logistic {
    fn hyperparameters(&self) -> Map<String, Value> {
        self.0.map()
    }

    #[allow(clippy::cast_precision_loss)] // numbers of rows
    fn learn(&self, material: &Material<'_>, listener: &mut Listener<'_>) -> Result<Learned, TrainError> {
        let Truth::Classes(truth) = &material.train.truth else {
            let reason = "logistic_regression predicts classes, and the task is regression";
            return Err(TrainError::WrongTask(reason.into()));
        };
        let rows = matrix(material.train)?;
        let sums = if material.classes == 2 { 1 } else { material.classes };
        let cost = 1.0 / (self.0.number("C") * truth.len() as f64);
        let loss = Loss { rows, truth, sums, cost };
        let rounds_max = self.0.integer("max_iter");
        let limits = Limits { steps_max: rounds_max, slope_max: SLOPE_MAX };
        let start = Array1::zeros((loss.rows.ncols() + 1) * sums);
        let mut rounds = 0;
        let weights = descend(
            start,
            limits,
            |weights| loss.at(weights),
            |round, weights| {
                rounds = round as u64;
                let metrics = metrics(&Model::Linear(loss.linear(weights)), material)?;
                go_on(listener(Round { round: rounds, rounds_max: rounds_max as u64, metrics }))
            },
        )?;
        let linear = loss.linear(&weights);
        if linear.weights.iter().flatten().any(|weight| !weight.is_finite()) {
            return Err(TrainError::Learner("logistic_regression: the weights are not finite".into()));
        }
        Ok(Learned { model: Model::Linear(linear), rounds })
    }
}

/// The mean loss of rows by weights: a row of them for each column, and a last one for the intercepts.
struct Loss<'a> {
    rows: Array2<f64>,
    truth: &'a [u32],
    sums: usize,
    cost: f64,
}

impl Loss<'_> {
    /// The loss and its slopes.
    #[allow(clippy::cast_precision_loss)] // numbers of rows
    fn at(&self, weights: &Array1<f64>) -> (f64, Array1<f64>) {
        let columns = self.rows.ncols();
        let by_column = self.by_column(weights);
        let mut answers =
            self.rows.dot(&by_column.slice_axis(Axis(0), Slice::from(..columns))) + by_column.row(columns);
        let mut loss = 0.0;
        for (mut row, &class) in answers.rows_mut().into_iter().zip(self.truth) {
            if self.sums == 1 {
                let (sum, truth) = (row[0], f64::from(class));
                loss += sum.max(0.0) - sum * truth + (-sum.abs()).exp().ln_1p();
                row[0] = 1.0 / (1.0 + (-sum).exp()) - truth;
            } else {
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let of_class = row[class as usize];
                row.mapv_inplace(|sum| (sum - most).exp());
                let total = row.sum();
                loss += total.ln() + most - of_class;
                row /= total;
                row[class as usize] -= 1.0;
            }
        }
        let count = self.truth.len() as f64;
        answers /= count;
        let kept = by_column.slice_axis(Axis(0), Slice::from(..columns));
        let mut slopes = Array2::zeros(by_column.raw_dim());
        slopes
            .slice_axis_mut(Axis(0), Slice::from(..columns))
            .assign(&(self.rows.t().dot(&answers) + &(&kept * self.cost)));
        slopes.row_mut(columns).assign(&answers.sum_axis(Axis(0)));
        let size: f64 = kept.iter().map(|weight| weight * weight).sum();
        (loss / count + 0.5 * self.cost * size, slopes.into_iter().collect())
    }

    fn by_column(&self, weights: &Array1<f64>) -> Array2<f64> {
        Array2::from_shape_fn((weights.len() / self.sums, self.sums), |(row, sum)| weights[row * self.sums + sum])
    }

    /// The weights as a model has them; the first of two classes has none.
    fn linear(&self, weights: &Array1<f64>) -> Linear {
        let by_column = self.by_column(weights);
        let columns = self.rows.ncols();
        let mut all: Vec<Vec<f64>> =
            by_column.slice_axis(Axis(0), Slice::from(..columns)).columns().into_iter().map(|of| of.to_vec()).collect();
        let mut intercepts = by_column.row(columns).to_vec();
        if self.sums == 1 {
            all.insert(0, vec![0.0; columns]);
            intercepts.insert(0, 0.0);
        }
        Linear { weights: all, intercepts, is_classifier: true }
    }
}

/// The rows with 64 bits.
pub fn matrix(part: &Part) -> Result<Array2<f64>, TrainError> {
    let values = part.matrix.values.iter().map(|&number| f64::from(number)).collect();
    Array2::from_shape_vec((part.matrix.rows(), part.matrix.columns), values)
        .map_err(|error| TrainError::Learner(error.to_string()))
}

/// The numbers of a linear model, of both parts.
pub fn metrics(model: &Model, material: &Material<'_>) -> Result<BTreeMap<String, f64>, TrainError> {
    let classes = vec![String::new(); material.classes];
    let mut metrics = BTreeMap::new();
    for (name, part) in [("train", material.train), ("validation", material.validation)] {
        for (metric, value) in score::metrics(&model.judge(part, &classes)?) {
            metrics.insert(format!("{name}_{}", metric.replace('_', "")), value);
        }
    }
    Ok(metrics)
}
