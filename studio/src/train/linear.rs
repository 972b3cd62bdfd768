//! Linear regression: a weighted sum of a row's numbers with the least squared error; large weights cost `l2` times their
//! square (ridge regression), so that columns which say the same share what they say.

use super::boosting::go_on;
use super::error::TrainError;
use super::hyperparameters::Hyperparameters;
use super::learner::{Learned, Learner, Listener, Material, Round};
use super::logistic::{matrix, metrics};
use super::model::{Linear, Model};
use crate::prepare::target::Truth;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Axis};
use serde_json::{Map, Value};

/// Linear regression with these settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge(pub Hyperparameters);

impl Learner for Ridge {
    fn hyperparameters(&self) -> Map<String, Value> {
        self.0.map()
    }

    fn learn(&self, material: &Material<'_>, listener: &mut Listener<'_>) -> Result<Learned, TrainError> {
        let Truth::Numbers(of) = &material.train.truth else {
            return Err(TrainError::WrongTask(
                "linear_regression predicts numbers, and the task is classification".into(),
            ));
        };
        let truth = Array1::from_vec(of.clone());
        let mut rows = matrix(material.train)?;
        let middles = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let middle = truth.mean().unwrap_or_default();
        rows -= &middles;
        // The normal equations of ridge regression: as many as columns, however many the rows are.
        let mut square = rows.t().dot(&rows);
        square.diag_mut().mapv_inplace(|cell| cell + self.0.number("l2"));
        let right = rows.t().dot(&(truth - middle));
        let solution = LinearRegression::default()
            .with_intercept(false)
            .fit(&DatasetBase::new(square, right))
            .map_err(|error| TrainError::Learner(format!("linear_regression: {error}")))?;
        let weights = solution.params();
        let model = Model::Linear(Linear {
            intercepts: vec![middle - weights.dot(&middles)],
            weights: vec![weights.to_vec()],
            is_classifier: false,
        });
        let metrics = metrics(&model, material)?;
        go_on(listener(Round { round: 1, rounds_max: 1, metrics }))?;
        Ok(Learned { model, rounds: 1 })
    }
}
