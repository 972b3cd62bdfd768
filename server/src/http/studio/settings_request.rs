//! What callers say of a model's settings, checked.

use super::choices::optional_visibility_schema;
use crate::error::ApiError;
use crate::http::fields::{Fields, segment};
use crate::http::openapi::texts::nullable;
use serde::Deserialize;
use serde_json::{Map, Value};
use servoir_registry::{StudioChange, StudioModel};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// The most entries of a section.
const ENTRIES_MAX: usize = 64;
/// The most characters in an entry's name.
const NAME_CHARS_MAX: usize = 64;
/// The most characters in an entry that is a text.
const TEXT_CHARS_MAX: usize = 1024;

/// Settings to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchSettings {
    /// Texts, numbers and truth values by name.
    #[schema(schema_with = section_schema)]
    display: Option<Map<String, Value>>,
    /// Texts, numbers and truth values by name.
    #[schema(schema_with = section_schema)]
    notifications: Option<Map<String, Value>>,
    access: Option<PatchAccess>,
}

/// Who is to see a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchAccess {
    #[schema(schema_with = optional_visibility_schema)]
    visibility: Option<String>,
}

fn section_schema() -> Object {
    let kinds = vec![Type::Number, Type::Boolean, Type::String, Type::Null];
    let entry = ObjectBuilder::new().schema_type(SchemaType::Array(kinds)).max_length(Some(TEXT_CHARS_MAX));
    let name = ObjectBuilder::new().schema_type(Type::String).max_length(Some(NAME_CHARS_MAX)).build();
    let section = ObjectBuilder::new().schema_type(nullable(Type::Object)).max_properties(Some(ENTRIES_MAX));
    section.property_names(Some(name)).additional_properties(Some(entry)).build()
}

/// A change that has been checked as far as that goes without the model.
pub struct Patch {
    sections: [(&'static str, Map<String, Value>); 2],
    /// Whether the model becomes private, or no longer is.
    pub private: Option<bool>,
}

impl PatchSettings {
    /// The change to make.
    ///
    /// # Errors
    /// 400 with every wrong field.
    pub fn check(self, visibilities: &[(&str, bool)]) -> Result<Patch, ApiError> {
        let mut fields = Fields::default();
        let sections =
            [("display", self.display.unwrap_or_default()), ("notifications", self.notifications.unwrap_or_default())];
        for (section, entries) in &sections {
            if entries.len() > ENTRIES_MAX {
                fields
                    .wrong(format!("/{section}"), format!("has {} entries; {ENTRIES_MAX} are allowed", entries.len()));
                continue;
            }
            for (name, value) in entries {
                let pointer = format!("/{section}/{}", segment(name));
                fields.no_longer_than(&pointer, name, NAME_CHARS_MAX);
                match value {
                    Value::String(text) => fields.no_longer_than(&pointer, text, TEXT_CHARS_MAX),
                    Value::Null | Value::Bool(_) | Value::Number(_) => {}
                    Value::Array(_) | Value::Object(_) => {
                        fields.wrong(pointer, "a setting is a text, a number or a truth value");
                    }
                }
            }
        }
        let visibility = self.access.and_then(|access| access.visibility);
        let private = visibility.and_then(|text| fields.choice("/access/visibility", &text, visibilities));
        fields.finish()?;
        Ok(Patch { sections, private })
    }
}

impl Patch {
    /// The change of this model.
    ///
    /// # Errors
    /// 400 when a section would have too many entries.
    pub fn of(self, model: &StudioModel) -> Result<StudioChange, ApiError> {
        let mut settings = model.settings.clone();
        for (section, entries) in self.sections {
            let kept = settings.entry(section).or_insert_with(|| Value::Object(Map::new()));
            let Some(kept) = kept.as_object_mut() else {
                return Err(ApiError::internal(format!("the settings '{section}' of '{}'", model.model.id)));
            };
            for (name, value) in entries {
                match value {
                    Value::Null => drop(kept.remove(&name)),
                    value => drop(kept.insert(name, value)),
                }
            }
            if kept.len() > ENTRIES_MAX {
                let detail = format!("would have {} entries; {ENTRIES_MAX} are allowed", kept.len());
                return Err(ApiError::field(format!("/{section}"), detail));
            }
        }
        Ok(StudioChange { settings: Some(settings), private: self.private, ..StudioChange::default() })
    }
}
