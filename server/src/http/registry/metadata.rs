//! What callers say of a version beside its artifact.

use super::model_request::DESCRIPTION_CHARS_MAX;
use crate::error::ApiError;
use crate::http::fields::{Fields, segment};
use crate::http::openapi::texts::{self, nullable};
use serde::Deserialize;
use serde_json::{Map, Value};
use servoir_registry::NewVersion;
use servoir_runtime::{Format, Inspection};
use servoir_types::Kind;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// The most metrics of a version.
pub const METRICS_MAX: usize = 256;
/// The most characters in a metric's name or text.
pub const METRIC_CHARS_MAX: usize = 1024;

/// What is said of a version.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionMetadata {
    #[schema(schema_with = texts::description)]
    pub description: Option<String>,
    /// Numbers, texts and truth values by name; at most 256.
    #[schema(schema_with = metrics_schema)]
    pub metrics: Option<Map<String, Value>>,
    /// What the artifact is; refused when it turns out to be something else.
    #[schema(schema_with = format_schema)]
    pub format: Option<String>,
}

/// The schema of metrics that may be left out.
pub fn metrics_schema() -> Object {
    let text = |kind| ObjectBuilder::new().schema_type(kind).max_length(Some(METRIC_CHARS_MAX));
    let metric = text(SchemaType::Array(vec![Type::Number, Type::Boolean, Type::String]));
    let name = text(Type::String.into()).build();
    let metrics = ObjectBuilder::new().schema_type(nullable(Type::Object)).max_properties(Some(METRICS_MAX));
    metrics.property_names(Some(name)).additional_properties(Some(metric)).build()
}

/// The schema of a format that may be left out.
pub fn format_schema() -> Object {
    let words = Format::ALL.iter().map(|format| Value::from(format.as_str())).chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(words)).build()
}

impl VersionMetadata {
    /// Checks what can be checked without the artifact.
    ///
    /// # Errors
    /// 400 with every wrong field.
    pub fn check(&self) -> Result<(), ApiError> {
        let mut fields = Fields::default();
        fields.no_longer_than("/description", self.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS_MAX);
        let metrics = self.metrics.iter().flatten();
        if self.metrics.as_ref().is_some_and(|metrics| metrics.len() > METRICS_MAX) {
            fields.wrong("/metrics", format!("has more than {METRICS_MAX} entries"));
        }
        for (name, value) in metrics.take(METRICS_MAX) {
            let pointer = format!("/metrics/{}", segment(name));
            fields.no_longer_than(&pointer, name, METRIC_CHARS_MAX);
            match value {
                Value::Number(_) | Value::Bool(_) => {}
                Value::String(text) => fields.no_longer_than(&pointer, text, METRIC_CHARS_MAX),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    fields.wrong(pointer, "a metric is a number, a text or a truth value");
                }
            }
        }
        if let Some(format) = self.format.as_ref().filter(|format| Format::from_text(format).is_none()) {
            let known = "onnx, xgboost-json, xgboost-ubj or lightgbm-text";
            fields.wrong("/format", format!("'{format}' is not a format that can be kept: {known}"));
        }
        fields.finish()
    }

    /// The version to publish, of an artifact that has been looked into.
    ///
    /// # Errors
    /// 422 `format-mismatch` when the artifact is not what was said.
    pub fn describe(self, found: Inspection) -> Result<NewVersion, ApiError> {
        let format = found.format.as_str();
        if let Some(said) = self.format.filter(|said| said != format) {
            let detail = format!("metadata.format says '{said}', and the artifact is '{format}'");
            return Err(ApiError::new(Kind::Unprocessable, "format-mismatch", detail));
        }
        Ok(NewVersion {
            description: self.description.unwrap_or_default(),
            metrics: self.metrics.unwrap_or_default(),
            format: format.to_owned(),
            signature: Some(found.signature),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Signature;

    #[test]
    fn metrics_are_flat_and_bounded() {
        let check = |metrics: Value| -> Vec<String> {
            let metadata: VersionMetadata = serde_json::from_value(serde_json::json!({"metrics": metrics})).unwrap();
            metadata.check().map_or_else(|error| error.fields.into_iter().map(|f| f.pointer).collect(), |()| Vec::new())
        };
        assert!(check(serde_json::json!({"auc": 0.9, "note": "good", "final": true})).is_empty());
        assert_eq!(
            check(serde_json::json!({"a/b": null, "c": [1], "d": {}})),
            ["/metrics/a~1b", "/metrics/c", "/metrics/d"]
        );
        let many: Map<String, Value> = (0..=METRICS_MAX).map(|index| (index.to_string(), index.into())).collect();
        assert_eq!(check(many.into()), ["/metrics"]);
    }

    #[test]
    fn what_was_said_must_be_what_was_found() {
        let found =
            Inspection { format: Format::Onnx, signature: Signature { inputs: Vec::new(), outputs: Vec::new() } };
        let said = |format: &str| VersionMetadata { format: Some(format.to_owned()), ..Default::default() };
        assert_eq!(said("onnx").describe(found.clone()).unwrap().format, "onnx");
        let error = said("xgboost-json").describe(found).unwrap_err();
        assert!(error.detail.contains("'xgboost-json'") && error.detail.contains("'onnx'"), "{}", error.detail);
    }
}
