//! How a model is to be trained: the whole effective configuration, every default filled in.

mod check;

pub use check::ConfigError;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

/// How a model is to be trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct TrainConfig {
    /// Which learner, or `auto` to search.
    pub algorithm: Algorithm,
    /// The column that is to be predicted; required before a run.
    #[schema(min_length = 1, max_length = 256)]
    pub target_column: Option<String>,
    /// The columns that it is predicted from, in this order; empty: every column but the target that can be a feature.
    #[schema(schema_with = columns_schema)]
    pub feature_columns: Vec<String>,
    /// The learner's own settings by name; what is absent has the learner's default. Checked against the algorithm.
    #[schema(value_type = Object)]
    pub hyperparameters: Map<String, Value>,
    /// From columns to numbers.
    pub preprocessing: Preprocessing,
    /// Which rows train, which choose, which judge.
    pub validation: Validation,
    /// How far `auto` searches.
    pub search: Search,
}

/// The schema of names of columns, each once.
fn columns_schema() -> Array {
    let name = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(256));
    ArrayBuilder::new().items(name).max_items(Some(10_000)).unique_items(true).build()
}

/// A learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Algorithm {
    #[default]
    Auto,
    GradientBoosting,
    RandomForest,
    LogisticRegression,
    LinearRegression,
}

/// From columns to numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// What takes the place of a missing number.
    pub handle_missing: HandleMissing,
    /// Whether numbers are brought to mean 0 and deviation 1.
    pub scale_features: ScaleFeatures,
    /// How texts become numbers.
    pub encode_categoricals: EncodeCategoricals,
}

/// What takes the place of a missing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandleMissing {
    /// Trees decide about it themselves; linear models get the median.
    #[default]
    Auto,
    /// The training rows' median.
    Median,
    /// The training rows' mean.
    Mean,
    /// 0.
    Zero,
    /// Rows with a missing feature are not used for training; in predictions the median stands in.
    DropRows,
}

/// Whether numbers are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleFeatures {
    /// For linear models only.
    #[default]
    Auto,
    /// To mean 0 and deviation 1 over the training rows.
    Standard,
    /// To 0 … 1 over the training rows.
    MinMax,
    /// As they are.
    None,
}

/// How texts become numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncodeCategoricals {
    /// A column for each value up to some number of values; for trees, more than that as ranks.
    #[default]
    Auto,
    /// A column for each of the most frequent values; all others are all zeros.
    OneHot,
    /// The value's rank by frequency; unseen and missing are missing.
    Ordinal,
}

/// Which rows train, which choose, which judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Validation {
    /// The share of rows that judge, from 0.01 to 0.5.
    #[schema(minimum = 0.01, maximum = 0.5)]
    pub test_size: f64,
    /// The share of rows that choose (early stopping, search), from 0.01 to 0.5.
    #[schema(minimum = 0.01, maximum = 0.5)]
    pub val_size: f64,
    /// Whether each part has the classes in the same proportions.
    pub stratify: bool,
    /// Where all randomness of a run comes from.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub seed: u64,
}

impl Default for Validation {
    fn default() -> Self {
        Self { test_size: 0.2, val_size: 0.1, stratify: true, seed: 42 }
    }
}

/// How far `auto` searches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// At most so many candidates.
    #[schema(minimum = 1, maximum = 1000)]
    pub candidates_max: u32,
    /// No new candidate after so many seconds; candidates under way are finished.
    #[schema(minimum = 1, maximum = 86_400)]
    pub seconds_max: u64,
}

impl Default for Search {
    fn default() -> Self {
        Self { candidates_max: 12, seconds_max: 600 }
    }
}
