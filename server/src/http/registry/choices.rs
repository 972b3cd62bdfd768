//! The closed sets of words that the registry's API knows, and their descriptions in the API document.

use crate::http::openapi::texts::nullable;
use serde_json::Value;
use servoir_registry::{Model, ModelStatus, SortField};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// What a model was made with.
pub const FRAMEWORKS: &[&str] = &["pytorch", "tensorflow", "xgboost", "lightgbm", "sklearn", "onnx", "custom"];

/// Where a model came from.
pub const SOURCES: &[&str] = &["automl", "fine-tuning", "experiment", "manual"];

/// The source of a model whose caller names none.
pub const SOURCE_DEFAULT: &str = "manual";

/// A model's states.
pub const STATUSES: &[(&str, ModelStatus)] = &[
    ("registered", ModelStatus::Registered),
    ("deployed", ModelStatus::Deployed),
    ("archived", ModelStatus::Archived),
];

/// The orders of a list of models: the field, and whether it descends.
pub const SORTS: &[(&str, (SortField, bool))] = &[
    ("name:asc", (SortField::Name, false)),
    ("name:desc", (SortField::Name, true)),
    ("createdAt:asc", (SortField::CreatedAt, false)),
    ("createdAt:desc", (SortField::CreatedAt, true)),
    ("updatedAt:asc", (SortField::UpdatedAt, false)),
    ("updatedAt:desc", (SortField::UpdatedAt, true)),
    ("status:asc", (SortField::Status, false)),
    ("status:desc", (SortField::Status, true)),
];

/// The order of a list of models when the caller names none: the newest first.
pub const SORT_DEFAULT: (SortField, bool) = (SortField::CreatedAt, true);

/// The state that a model is shown in.
pub fn status_of(model: &Model) -> &'static str {
    match (model.archived, model.deployed) {
        (true, _) => "archived",
        (false, true) => "deployed",
        (false, false) => "registered",
    }
}

/// The schema of a framework.
pub fn framework_schema() -> Object {
    words(FRAMEWORKS.iter().copied())
}

/// The schema of a source that may be left out.
pub fn optional_source_schema() -> Object {
    let words = SOURCES.iter().map(|&word| Value::from(word)).chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(words)).build()
}

/// The schema of a source.
pub fn source_schema() -> Object {
    words(SOURCES.iter().copied())
}

/// The schema of a model's state.
pub fn status_schema() -> Object {
    words(STATUSES.iter().map(|(word, _)| *word))
}

/// The schema of an order.
pub fn sort_schema() -> Object {
    words(SORTS.iter().map(|(word, _)| *word))
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.map(str::to_owned))).build()
}
