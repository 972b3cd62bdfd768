//! What callers say of a model of the Studio, checked: every field that is wrong is named at once.

use super::choices::{model_type_schema, task_type_schema};
use super::config;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::openapi::texts;
use crate::http::registry::model_request::{DESCRIPTION_CHARS_MAX, checked_name, checked_tags};
use serde::Deserialize;
use serde_json::{Map, Value};
use servoir_registry::{ModelChange, ModelType, NewModel, NewStudioModel, StudioChange, StudioModel, TaskType};
use servoir_studio::config::TrainConfig;
use servoir_types::{DatasetId, Kind, Name};
use utoipa::ToSchema;

/// The most characters of an id.
const ID_CHARS_MAX: usize = 128;

/// A model to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateStudioModel {
    /// Unique in the organization; 1 to 128 characters, no `/` or `\`, not beginning with `model_`.
    #[schema(schema_with = texts::model_name, required)]
    name: Option<String>,
    #[schema(schema_with = model_type_schema, required)]
    model_type: Option<String>,
    #[schema(schema_with = task_type_schema, required)]
    task_type: Option<String>,
    #[schema(schema_with = texts::description)]
    description: Option<String>,
    /// Linked at once, when it has the columns that the configuration names.
    #[schema(max_length = 128)]
    dataset_id: Option<String>,
    #[schema(schema_with = texts::tags)]
    tags: Option<Vec<String>>,
    /// How it is trained; what is absent has its default.
    #[schema(value_type = Option<TrainConfig>)]
    config: Option<Map<String, Value>>,
}

impl CreateStudioModel {
    /// The model to make, and the dataset to link it to.
    ///
    /// # Errors
    /// 400 with every wrong field; 422 for a configuration that contradicts itself.
    pub fn check(self) -> Result<(NewStudioModel, Option<DatasetId>), ApiError> {
        let mut fields = Fields::default();
        let name = fields.required("/name", self.name).and_then(|name| checked_name(&mut fields, &name));
        let model_type = fields.required("/model_type", self.model_type);
        let model_type = model_type.and_then(|text| fields.choice("/model_type", &text, ModelType::ALL));
        let task_type = fields.required("/task_type", self.task_type);
        let task_type = task_type.and_then(|text| fields.choice("/task_type", &text, TaskType::ALL));
        let description = self.description.unwrap_or_default();
        fields.no_longer_than("/description", &description, DESCRIPTION_CHARS_MAX);
        let tags = checked_tags(&mut fields, self.tags.unwrap_or_default());
        fields.no_longer_than("/dataset_id", self.dataset_id.as_deref().unwrap_or_default(), ID_CHARS_MAX);
        let ((name, model_type), task_type) = fields.finish_with(name.zip(model_type).zip(task_type))?;
        let config = config::checked(self.config.unwrap_or_default(), Some(task_type), "/config")?;
        let (framework, source) = match model_type {
            ModelType::Auto => ("onnx", "automl"),
            ModelType::Custom => ("custom", "manual"),
        };
        let model = NewModel {
            name,
            description,
            framework: framework.to_owned(),
            source: source.to_owned(),
            tags,
            workspace: None,
        };
        let new = NewStudioModel { model, model_type, task_type, config: config::stored(&config)? };
        Ok((new, self.dataset_id.map(DatasetId::from_text)))
    }
}

/// What of a model is to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchStudioModel {
    #[schema(schema_with = texts::optional_model_name)]
    name: Option<String>,
    #[schema(schema_with = texts::description)]
    description: Option<String>,
    /// Replaces all tags.
    #[schema(schema_with = texts::tags)]
    tags: Option<Vec<String>>,
    /// Each field that is given takes the place of the whole field; `null` puts its default back.
    #[schema(value_type = Option<Object>)]
    config: Option<Map<String, Value>>,
    #[schema(ignore)]
    model_type: Option<Value>,
    #[schema(ignore)]
    task_type: Option<Value>,
}

/// A change that has been checked as far as that goes without the model.
pub struct Patch {
    change: ModelChange,
    config: Option<Map<String, Value>>,
}

impl PatchStudioModel {
    /// The change to make.
    ///
    /// # Errors
    /// 400 with every wrong field; 422 `immutable-field`.
    pub fn check(self) -> Result<Patch, ApiError> {
        for (field, value) in [("model_type", &self.model_type), ("task_type", &self.task_type)] {
            if value.is_some() {
                let detail = format!("{field} is said once, when a model is made; make another model instead");
                return Err(ApiError::new(Kind::Unprocessable, "immutable-field", detail));
            }
        }
        let mut fields = Fields::default();
        let name = self.name.and_then(|name| checked_name(&mut fields, &name));
        fields.no_longer_than("/description", self.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS_MAX);
        let tags = self.tags.map(|tags| checked_tags(&mut fields, tags));
        fields.finish()?;
        Ok(Patch { change: ModelChange { name, description: self.description, tags }, config: self.config })
    }
}

impl Patch {
    /// The change of this model.
    ///
    /// # Errors
    /// 400 and 422 for a configuration that is wrong when it is merged with the model's.
    pub fn of(self, model: &StudioModel) -> Result<StudioChange, ApiError> {
        let config = match self.config {
            None => None,
            Some(patch) => {
                let merged = config::merged(&model.config, patch);
                Some(config::stored(&config::checked(merged, model.task_type, "/config")?)?)
            }
        };
        Ok(StudioChange { model: self.change, config, ..StudioChange::default() })
    }
}

/// A copy to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateModel {
    /// By default the model's own and ` copy`.
    #[schema(schema_with = texts::optional_model_name)]
    name: Option<String>,
    /// Whether the copy is linked to the same dataset; by default it is.
    include_dataset: Option<bool>,
}

impl DuplicateModel {
    /// The copy's name, and whether it is linked to the same dataset.
    ///
    /// # Errors
    /// 400 for a name that no model can have.
    pub fn check(self) -> Result<(Option<Name>, bool), ApiError> {
        let mut fields = Fields::default();
        let name = self.name.and_then(|name| checked_name(&mut fields, &name));
        fields.finish()?;
        Ok((name, self.include_dataset.unwrap_or(true)))
    }
}
