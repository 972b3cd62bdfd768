//! The texts that callers give, as the document describes them: which characters, and how many.
//!
//! The patterns say what the checks beside them do; schemathesis holds both against each other in the tests.

use serde_json::Value;
use utoipa::openapi::schema::{
    Array, ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};

/// Characters that no database keeps alike are refused: a text has no NUL.
const NO_NUL: &str = r"^[^\u0000]*$";
/// Not empty, no control characters, no white space at the ends.
const TRIMMED: &str = concat!(
    r"^[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"([^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?$",
);
/// A text in which somebody can see something, without control characters.
const VISIBLE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);
/// A model's name: trimmed, without `/`, `\` and invisible characters, not `.` or `..`, not like an id.
const MODEL_NAME: &str = concat!(
    r"^(?!model_|\.\.?$)",
    r"[^\u0000-\u0020/\\\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff]",
    r"([^\u0000-\u001f/\\\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*",
    r"[^\u0000-\u0020/\\\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff])?$",
);

/// The schema of a model's name.
pub fn model_name() -> Object {
    text(MODEL_NAME).min_length(Some(1)).max_length(Some(128)).examples(["churn"]).build()
}

/// The schema of a model's name that may be left out.
pub fn optional_model_name() -> Object {
    text(MODEL_NAME).schema_type(nullable(Type::String)).min_length(Some(1)).max_length(Some(128)).build()
}

/// The schema of a name that people give to a key.
pub fn key_name() -> Object {
    text(VISIBLE).min_length(Some(1)).max_length(Some(128)).examples(["ci"]).build()
}

/// The schema of a list of tags that may be left out.
pub fn tags() -> Array {
    let tag = text(TRIMMED).min_length(Some(1)).max_length(Some(128));
    ArrayBuilder::new().schema_type(nullable(Type::Array)).items(tag).max_items(Some(64)).build()
}

/// The schema of a description that may be left out.
pub fn description() -> Object {
    text(NO_NUL).schema_type(nullable(Type::String)).max_length(Some(10_000)).build()
}

/// The schema of a workspace's id that may be left out.
pub fn workspace() -> Object {
    text(NO_NUL).schema_type(nullable(Type::String)).max_length(Some(128)).build()
}

/// The schema of a text that a list is filtered by.
pub fn filter() -> Object {
    text(NO_NUL).max_length(Some(256)).build()
}

/// The schema of a point in time.
pub fn time() -> Object {
    let date_time = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(date_time)).build()
}

/// The schema of one of a closed set of words.
pub fn one_of<T>(words: &[(&str, T)]) -> Object {
    let words = words.iter().map(|(word, _)| (*word).to_owned());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

/// The schema of one of a closed set of words that may be left out.
pub fn optional_one_of<T>(words: &[(&str, T)]) -> Object {
    let words = words.iter().map(|(word, _)| Value::from(*word)).chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(words)).build()
}

/// A type, or `null`.
pub fn nullable(kind: Type) -> SchemaType {
    SchemaType::Array(vec![kind, Type::Null])
}

fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}
