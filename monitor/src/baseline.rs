//! Baselines: what a model's inputs and outputs were like when it was trained, or in a time that is taken as normal.

mod categories;
mod edges;
mod moments;
mod numbers;

pub use categories::{CATEGORIES_MAX, CategoryProfile, CategorySurvey, VALUE_BYTES_MAX};
pub use numbers::{DISTINCT_MAX, NumberProfile, NumberSurvey, NumberTally, Precision};

use serde::{Deserialize, Serialize};

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Profiles of a version's features and outputs, as they are stored beside the version.
///
/// Tables have a column per feature and per output. A tensor that is not a table of features (an image, an embedding) has
/// two columns of its own: [`Measure::Norm`] and [`Measure::Mean`] of each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    format: u32,
    /// How many rows it was made from.
    pub rows: u64,
    /// The inputs, in the model's order.
    pub features: Vec<Column>,
    /// The model's answers to the same rows.
    pub outputs: Vec<Column>,
}

/// A feature or an output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The name of the feature or output.
    pub name: String,
    /// What is counted of it.
    #[serde(default, skip_serializing_if = "Measure::is_value")]
    pub measure: Measure,
    /// What it was like.
    #[serde(flatten)]
    pub profile: Profile,
}

/// What is counted of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The values themselves, each column of the tensor for itself.
    #[default]
    Value,
    /// The Euclidean norm of each row.
    Norm,
    /// The mean of each row.
    Mean,
}

impl Measure {
    fn is_value(&self) -> bool {
        *self == Self::Value
    }
}

/// What a column was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Profile {
    /// Of numbers.
    Number(Box<NumberProfile>),
    /// Of texts, or of numbers that name classes.
    Category(CategoryProfile),
}

/// A stored baseline that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not this format's JSON.
    #[error("the baseline cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another time.
    #[error("the baseline is in format {0}; this version reads format {FORMAT}")]
    Format(u32),
}

impl Baseline {
    /// Of profiles.
    pub fn new(rows: u64, features: Vec<Column>, outputs: Vec<Column>) -> Self {
        Self { format: FORMAT, rows, features, outputs }
    }

    /// As it is stored.
    ///
    /// # Panics
    /// Never: every part can be written as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("profiles have text keys and finite numbers")
    }

    /// As it was stored.
    ///
    /// # Errors
    /// When it is not a baseline, or one in another format.
    pub fn from_json(json: &[u8]) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(json)?;
        if head.format != FORMAT {
            return Err(BaselineError::Format(head.format));
        }
        Ok(serde_json::from_slice(json)?)
    }
}

impl Column {
    /// A column of numbers.
    pub fn number(name: impl Into<String>, profile: NumberProfile) -> Self {
        Self { name: name.into(), measure: Measure::Value, profile: Profile::Number(Box::new(profile)) }
    }

    /// A column of texts or classes.
    pub fn category(name: impl Into<String>, profile: CategoryProfile) -> Self {
        Self { name: name.into(), measure: Measure::Value, profile: Profile::Category(profile) }
    }

    /// The same, of another measure.
    #[must_use]
    pub fn measured(self, measure: Measure) -> Self {
        Self { measure, ..self }
    }
}
