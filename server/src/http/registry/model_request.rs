//! What callers say of a model, checked: every field that is wrong is named at once.

use super::choices::{FRAMEWORKS, SOURCE_DEFAULT, SOURCES, framework_schema, optional_source_schema};
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::openapi::texts;
use serde::Deserialize;
use servoir_registry::{ModelChange, NewModel};
use servoir_types::Name;
use utoipa::ToSchema;

/// The most characters in a description.
pub const DESCRIPTION_CHARS_MAX: usize = 10_000;
/// The most tags of a model.
pub const TAGS_MAX: usize = 64;
/// The most characters in a tag.
pub const TAG_CHARS_MAX: usize = 128;
/// The most characters in a workspace's id.
pub const WORKSPACE_CHARS_MAX: usize = 128;

/// A model to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateModel {
    /// Unique in the organization; 1 to 128 characters, no `/` or `\`, not beginning with `model_`.
    #[schema(schema_with = texts::model_name, required)]
    name: Option<String>,
    #[schema(schema_with = framework_schema, required)]
    framework: Option<String>,
    #[schema(schema_with = texts::description)]
    description: Option<String>,
    /// By default `manual`.
    #[schema(schema_with = optional_source_schema)]
    source: Option<String>,
    #[schema(schema_with = texts::tags)]
    tags: Option<Vec<String>>,
    #[schema(schema_with = texts::workspace)]
    workspace_id: Option<String>,
}

impl CreateModel {
    /// The model to create.
    ///
    /// # Errors
    /// 400 with every wrong field.
    pub fn check(self) -> Result<NewModel, ApiError> {
        let mut fields = Fields::default();
        let name = fields.required("/name", self.name).and_then(|name| checked_name(&mut fields, &name));
        let framework = fields.required("/framework", self.framework);
        if let Some(framework) = &framework {
            fields.one_of("/framework", framework, FRAMEWORKS);
        }
        let source = self.source.unwrap_or_else(|| SOURCE_DEFAULT.to_owned());
        fields.one_of("/source", &source, SOURCES);
        let description = self.description.unwrap_or_default();
        fields.no_longer_than("/description", &description, DESCRIPTION_CHARS_MAX);
        let tags = checked_tags(&mut fields, self.tags.unwrap_or_default());
        if let Some(workspace) = &self.workspace_id {
            fields.no_longer_than("/workspaceId", workspace, WORKSPACE_CHARS_MAX);
        }
        let workspace = self.workspace_id.filter(|workspace| !workspace.is_empty());
        let (name, framework) = fields.finish_with(name.zip(framework))?;
        Ok(NewModel { name, description, framework, source, tags, workspace })
    }
}

/// What of a model is to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateModel {
    #[schema(schema_with = texts::optional_model_name)]
    name: Option<String>,
    #[schema(schema_with = texts::description)]
    description: Option<String>,
    /// Replaces all tags.
    #[schema(schema_with = texts::tags)]
    tags: Option<Vec<String>>,
}

impl UpdateModel {
    /// The change to make.
    ///
    /// # Errors
    /// 400 with every wrong field.
    pub fn check(self) -> Result<ModelChange, ApiError> {
        let mut fields = Fields::default();
        let name = self.name.and_then(|name| checked_name(&mut fields, &name));
        if let Some(description) = &self.description {
            fields.no_longer_than("/description", description, DESCRIPTION_CHARS_MAX);
        }
        let tags = self.tags.map(|tags| checked_tags(&mut fields, tags));
        fields.finish()?;
        Ok(ModelChange { name, description: self.description, tags })
    }
}

/// A model's name; what is wrong with it is noted.
pub fn checked_name(fields: &mut Fields, name: &str) -> Option<Name> {
    name.parse().map_err(|error| fields.wrong("/name", format!("{error}"))).ok()
}

/// Tags are a set: one that is given twice counts once.
pub fn checked_tags(fields: &mut Fields, tags: Vec<String>) -> Vec<String> {
    if tags.len() > TAGS_MAX {
        fields.wrong("/tags", format!("has {} tags; {TAGS_MAX} are allowed", tags.len()));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for (index, tag) in tags.into_iter().enumerate() {
        let pointer = format!("/tags/{index}");
        if tag.is_empty() || tag.trim() != tag || tag.chars().any(char::is_control) {
            fields.wrong(pointer, "a tag is not empty, has no white space at its ends and no control characters");
        } else if tag.chars().count() > TAG_CHARS_MAX {
            fields.no_longer_than(&pointer, &tag, TAG_CHARS_MAX);
        } else if !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(body: serde_json::Value) -> Vec<String> {
        let request: CreateModel = serde_json::from_value(body).unwrap();
        request
            .check()
            .map_or_else(|error| error.fields.into_iter().map(|field| field.pointer).collect(), |_| Vec::new())
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let long = "x".repeat(DESCRIPTION_CHARS_MAX + 1);
        let body = serde_json::json!({"name": "a/b", "framework": "caffe", "source": "", "description": long,
            "tags": ["ok", "", " x", "ok"], "workspaceId": "w".repeat(129)});
        let expected = ["/name", "/framework", "/source", "/description", "/tags/1", "/tags/2", "/workspaceId"];
        assert_eq!(pointers(body), expected);
        assert_eq!(pointers(serde_json::json!({})), ["/name", "/framework"]);
        assert!(pointers(serde_json::json!({"name": "churn", "framework": "onnx"})).is_empty());
    }

    #[test]
    fn a_model_has_defaults_and_its_tags_are_a_set() {
        let request: CreateModel =
            serde_json::from_str(r#"{"name": "churn", "framework": "onnx", "tags": ["b", "a", "b"]}"#).unwrap();
        let model = request.check().unwrap();
        assert_eq!((model.source.as_str(), model.description.as_str()), ("manual", ""));
        assert_eq!(model.tags, ["b", "a"]);
    }
}
