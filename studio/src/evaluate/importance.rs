//! How much a model relies on each feature, by every method that its kind of learner has.

mod encoding;
mod permutation;
mod shap;

pub use encoding::Encoding;
pub use permutation::Permutation;
pub use shap::ShapSum;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Feature importance by method; a method that the learner has not is absent.
pub type Importance = BTreeMap<Method, Ranking>;

/// How importance is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The total loss that splits on the feature took away in training (XGBoost's `total_gain`). Trees only.
    Gain,
    /// How many splits are on the feature (XGBoost's `weight`). Trees only.
    Split,
    /// How much worse the model is when the feature's values are shuffled.
    Permutation,
    /// The mean size of the feature's SHAP values. Trees only.
    Shap,
}

/// Every feature, the most important first; equally important ones in the model's order.
pub type Ranking = Vec<Share>;

/// A feature's importance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The source column.
    pub feature: String,
    /// Its share of all features' importance. They sum to 1, or all are 0 when no feature helps.
    pub importance: f64,
    /// In the method's own unit; below 0 when shuffling the feature made the model better.
    pub value: f64,
    /// The standard deviation over the repeats of a permutation; none for other methods.
    pub deviation: Option<f64>,
}
