//! What learners give: models that answer for rows of a matrix.

use super::error::TrainError;
use super::learner::Part;
use crate::predictions::Predictions;
use crate::prepare::matrix::Matrix;
use crate::prepare::target::Truth;
use hessboost::data::DMatrix;
use hessboost::prelude::{BoostedModel, Iterations, ModelFormat};
use hessboost::tree::RegTree;

/// A model of rows of a matrix.
#[derive(Debug)]
pub enum Model {
    /// Trees.
    Trees(Box<Trees>),
    /// A weighted sum for each class, or one.
    Linear(Linear),
}

/// Trees.
#[derive(Debug)]
pub struct Trees {
    /// Every tree of it counts.
    pub booster: BoostedModel,
    /// What the sum over the trees is.
    pub sums: Sums,
}

/// What the sum over all trees is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// The predicted number.
    Number,
    /// What the logistic function makes the second class's probability of.
    Logit,
    /// What softmax makes the classes' probabilities of.
    Logits,
    /// The second class's probability.
    Share,
    /// The classes' probabilities.
    Shares,
}

/// Weighted sums of a row's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// For each sum, a weight for each column.
    pub weights: Vec<Vec<f64>>,
    /// For each sum.
    pub intercepts: Vec<f64>,
    /// Whether softmax makes probabilities of the sums; else there is one, the predicted number.
    pub is_classifier: bool,
}

impl Model {
    /// Answers, row after row: probabilities in the order of the classes, or a number.
    ///
    /// # Errors
    /// A number of the matrix is infinite.
    pub fn predict(&self, matrix: &Matrix) -> Result<Vec<f64>, TrainError> {
        match self {
            Self::Trees(trees) => trees.predict(matrix),
            Self::Linear(linear) => Ok(linear.predict(matrix)),
        }
    }

    /// Answers beside the truth.
    ///
    /// # Errors
    /// See [`Model::predict`].
    pub fn judge(&self, part: &Part, classes: &[String]) -> Result<Predictions, TrainError> {
        Ok(beside(&part.truth, self.predict(&part.matrix)?, classes))
    }

    /// The trees in XGBoost's own form, UBJSON; linear models have none.
    ///
    /// # Errors
    /// The trees cannot be said in that form.
    pub fn native(&self) -> Result<Option<Vec<u8>>, TrainError> {
        match self {
            Self::Trees(trees) => Ok(Some(trees.booster.encode(ModelFormat::XgboostUbjson)?)),
            Self::Linear(_) => Ok(None),
        }
    }
}

/// Answers beside the truth.
pub fn beside(truth: &Truth, answers: Vec<f64>, classes: &[String]) -> Predictions {
    match truth.clone() {
        Truth::Classes(truth) => Predictions::Classes { classes: classes.to_vec(), truth, probabilities: answers },
        Truth::Numbers(truth) => Predictions::Numbers { truth, predicted: answers },
    }
}

/// The most nodes of all trees: half a gigabyte of ONNX.
pub const NODES_MAX: usize = 1 << 24;

impl Trees {
    /// Trees that are not too many to be written.
    ///
    /// # Errors
    /// They have more than [`NODES_MAX`] nodes.
    pub fn new(booster: BoostedModel, sums: Sums) -> Result<Self, TrainError> {
        match booster.trees().iter().map(RegTree::num_nodes).sum::<usize>() {
            nodes if nodes > NODES_MAX => Err(too_many(nodes)),
            _ => Ok(Self { booster, sums }),
        }
    }

    fn predict(&self, matrix: &Matrix) -> Result<Vec<f64>, TrainError> {
        let answers = self.booster.predict_rows(&matrix.values, Iterations::Best)?;
        let answers = answers.as_slice().iter().map(|&answer| f64::from(answer));
        Ok(match self.sums {
            Sums::Number | Sums::Logits => answers.collect(),
            Sums::Logit => answers.flat_map(|second| [1.0 - second, second]).collect(),
            // Sums of leaves that are divided by their number pass the ends by a rounding.
            Sums::Share => answers.flat_map(|second| [(1.0 - second).max(0.0), second.clamp(0.0, 1.0)]).collect(),
            Sums::Shares => answers.map(|share| share.clamp(0.0, 1.0)).collect(),
        })
    }

    /// How much each column moves the sums of each row, `[row][sum][column]`, the last column being what all rows share
    /// (SHAP values, Lundberg and Lee, 2017).
    ///
    /// # Errors
    /// A number of the matrix is infinite.
    pub fn contributions(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainError> {
        let rows = DMatrix::from_dense_shared(matrix.values.clone(), matrix.rows(), matrix.columns, f32::NAN)?;
        Ok(self.booster.predict_contribs(&rows, Iterations::Best)?.into_vec())
    }
}

/// What to do about trees of so many nodes.
pub fn too_many(nodes: usize) -> TrainError {
    TrainError::Learner(format!(
        "the trees have {nodes} nodes, more than {NODES_MAX}: raise min_child_weight, or lower n_estimators or max_depth"
    ))
}

impl Linear {
    fn predict(&self, matrix: &Matrix) -> Vec<f64> {
        let mut answers = Vec::with_capacity(matrix.rows() * self.intercepts.len());
        for row in matrix.values.chunks_exact(matrix.columns.max(1)) {
            let start = answers.len();
            for (weights, &intercept) in self.weights.iter().zip(&self.intercepts) {
                let products = weights.iter().zip(row).map(|(&weight, &number)| weight * f64::from(number));
                answers.push(products.sum::<f64>() + intercept);
            }
            if self.is_classifier {
                softmax(&mut answers[start..]);
            }
        }
        answers
    }
}

fn softmax(row: &mut [f64]) {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|sum| *sum = (*sum - most).exp());
    let total: f64 = row.iter().sum();
    row.iter_mut().for_each(|share| *share /= total);
}
