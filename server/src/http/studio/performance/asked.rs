//! Which version's answers to which rows a call is about.

use crate::http::query::{FromQuery, Values};
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

/// The most characters of an id in a parameter.
const ID_CHARS_MAX: usize = 64;

/// The rows of a dataset that one part of training used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetSplit {
    /// The rows that the model learned from.
    Train,
    /// The rows that chose when to stop and which candidate to take.
    Validation,
    /// The rows that had no part in training.
    Test,
}

impl DatasetSplit {
    const WORDS: [(&str, Self); 3] = [("train", Self::Train), ("validation", Self::Validation), ("test", Self::Test)];

    /// Its name, in parameters and in the registry.
    pub fn word(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// Which version's answers to which rows.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `ver_…`, or the version's number; the promoted version when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    pub version_id: Option<String>,
    /// `train`, `validation` or `test`.
    #[param(required = false, value_type = String, pattern = "^(train|validation|test)$", default = "test")]
    pub dataset_split: DatasetSplit,
}

impl FromQuery for Which {
    fn from_query(values: &mut Values) -> Self {
        Self {
            version_id: values.text("version_id", ID_CHARS_MAX),
            dataset_split: values.choice("dataset_split", &DatasetSplit::WORDS).unwrap_or(DatasetSplit::Test),
        }
    }
}

/// Which evaluation, and the parameters that a chart has beside.
pub struct Asked<T> {
    /// Which evaluation.
    pub which: Which,
    /// The chart's own.
    pub chart: T,
}

impl<T: IntoParams> IntoParams for Asked<T> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = Which::into_params(&place);
        all.extend(T::into_params(&place));
        all
    }
}

impl<T: FromQuery> FromQuery for Asked<T> {
    fn from_query(values: &mut Values) -> Self {
        Self { which: Which::from_query(values), chart: T::from_query(values) }
    }
}
