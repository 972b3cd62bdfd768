//! What a model was trained for: its link function, and what becomes of its sums. All as `libxgboost` computes it, in
//! 32 bits and with the same functions of the C library.

use super::super::model::Outcome;
use super::super::signature::Gives;
use super::link::{Link, index_of_max, softmax};
use servoir_types::{Data, Tensor};

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The sums, through a link function.
    Value(Link),
    /// Two classes, by the probability of the second.
    Binary,
    /// Two classes, by the sign.
    Sign,
    /// Several classes; the label is that of the largest probability, or of the largest sum.
    Classes {
        /// Whether probabilities are compared: two sums can have the same.
        by_probability: bool,
    },
}

impl Objective {
    /// The objective of a model with so many outputs, by XGBoost's name; none when it is not known.
    pub fn of(name: &str, outputs: usize) -> Option<Self> {
        Some(match (name, outputs) {
            ("binary:logistic", 1) => Self::Binary,
            ("binary:hinge", 1) => Self::Sign,
            ("multi:softprob", _) => Self::Classes { by_probability: true },
            ("multi:softmax", _) => Self::Classes { by_probability: false },
            ("binary:logistic" | "reg:logistic", _) => Self::Value(Link::Logistic),
            ("binary:hinge", _) => Self::Value(Link::Step),
            ("count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft", _) => {
                Self::Value(Link::Exponential)
            }
            (
                "reg:squarederror"
                | "reg:linear"
                | "reg:squaredlogerror"
                | "reg:pseudohubererror"
                | "reg:absoluteerror"
                | "reg:quantileerror"
                | "binary:logitraw"
                | "rank:pairwise"
                | "rank:ndcg"
                | "rank:map",
                _,
            ) => Self::Value(Link::Identity),
            _ => return None,
        })
    }

    /// The sum without any tree, from the prediction without any tree.
    pub fn margin(self, base_score: f32) -> f32 {
        match self {
            Self::Value(link) => link.margin(base_score),
            Self::Binary => Link::Logistic.margin(base_score),
            Self::Sign | Self::Classes { .. } => base_score,
        }
    }

    /// What a model with so many sums gives.
    pub const fn gives(self, sums: usize) -> Gives {
        match self {
            Self::Value(_) => Gives::Values(sums),
            Self::Sign => Gives::Label,
            Self::Binary => Gives::Classes(2),
            Self::Classes { .. } => Gives::Classes(sums),
        }
    }
}

impl Outcome<f32> for Objective {
    fn outputs(&self, sums: &mut [f32], count: usize, outputs: &mut Vec<Tensor>) -> Result<(), String> {
        let columns = sums.len().checked_div(count).unwrap_or(0);
        let (labels, matrix, columns) = match *self {
            Self::Value(link) => (None, Some(sums.iter().map(|sum| link.inverse(*sum)).collect()), columns),
            Self::Sign => (Some(sums.iter().map(|sum| i64::from(*sum > 0.0)).collect()), None, 0),
            Self::Binary => {
                let (labels, probabilities) = binary(sums);
                (Some(labels), Some(probabilities), 2)
            }
            Self::Classes { by_probability } => {
                let (labels, probabilities) = classes(sums, columns.max(1), by_probability);
                (Some(labels), Some(probabilities), columns)
            }
        };
        let tensor = |shape, data| Tensor::new(shape, data).map_err(|error| error.to_string());
        if let Some(labels) = labels {
            outputs.push(tensor(vec![count], Data::Int64(Vec::into(labels)))?);
        }
        if let Some(matrix) = matrix {
            outputs.push(tensor(vec![count, columns], Data::Fp32(Vec::into(matrix)))?);
        }
        Ok(())
    }
}

fn binary(sums: &[f32]) -> (Vec<i64>, Vec<f32>) {
    let (mut labels, mut probabilities) = (Vec::with_capacity(sums.len()), Vec::with_capacity(2 * sums.len()));
    for sum in sums {
        let second = Link::Logistic.inverse(*sum);
        labels.push(i64::from(second > 0.5));
        probabilities.extend([1.0 - second, second]);
    }
    (labels, probabilities)
}

fn classes(sums: &mut [f32], classes: usize, by_probability: bool) -> (Vec<i64>, Vec<f32>) {
    let mut labels = Vec::with_capacity(sums.len() / classes);
    let mut probabilities = Vec::with_capacity(sums.len());
    for row in sums.chunks_exact_mut(classes) {
        let largest_sum = index_of_max(row);
        softmax(row);
        labels.push(if by_probability { index_of_max(row) } else { largest_sum });
        probabilities.extend_from_slice(row);
    }
    (labels, probabilities)
}
