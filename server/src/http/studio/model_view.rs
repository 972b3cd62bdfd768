//! Models as the Studio shows them.

use super::choices::{model_type_schema, role_schema, status_schema, visibility_schema};
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::{ModelType, StudioModel, TaskType};
use servoir_studio::config::TrainConfig;
use servoir_types::Timestamp;
use utoipa::ToSchema;

/// A model, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelRow {
    /// `model_` and 16 characters of `[a-z0-9]`: the same as in the Registry API.
    #[schema(example = "model_k3v9w0q2m5xz7c1b")]
    id: String,
    name: String,
    description: String,
    #[schema(schema_with = model_type_schema)]
    model_type: &'static str,
    /// `classification` or `regression`; `null` for a model that was registered through the Registry API.
    #[schema(required)]
    task_type: Option<&'static str>,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The promoted version's number, `null` while there is none.
    #[schema(required)]
    version: Option<i64>,
    tags: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The owner: a key's id or a token's subject.
    created_by: String,
}

impl From<StudioModel> for ModelRow {
    fn from(studio: StudioModel) -> Self {
        let model = studio.model;
        Self {
            id: model.id.to_string(),
            name: model.name.to_string(),
            description: model.description,
            model_type: ModelType::text(studio.model_type),
            task_type: studio.task_type.map(TaskType::text),
            status: studio.status.text(),
            version: studio.promoted_version,
            tags: model.tags,
            created_at: model.created_at,
            updated_at: model.updated_at,
            created_by: model.owner,
        }
    }
}

/// A model with all that the Studio keeps of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct StudioModelView {
    #[serde(flatten)]
    row: ModelRow,
    /// How it is trained, every default filled in.
    config: TrainConfig,
    /// What it is trained on, `null` while it is linked to nothing.
    #[schema(required)]
    dataset: Option<LinkedDataset>,
    /// Of the promoted version, as they were computed; empty while there is none.
    #[schema(value_type = Object)]
    metrics: Map<String, Value>,
    /// 0 when there is none.
    #[schema(minimum = 0)]
    latest_version: i64,
    deployed: bool,
    #[schema(schema_with = visibility_schema)]
    visibility: &'static str,
    /// What the caller may do with it.
    #[schema(schema_with = role_schema)]
    role: &'static str,
}

/// What a model is trained on.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkedDataset {
    pub id: String,
    pub name: String,
    #[schema(value_type = String, format = DateTime)]
    pub linked_at: Timestamp,
}

/// What a whole model shows beside its row.
pub struct Beside {
    pub config: TrainConfig,
    pub dataset: Option<LinkedDataset>,
    pub metrics: Map<String, Value>,
    pub role: servoir_registry::Role,
}

impl StudioModelView {
    /// A whole model.
    pub fn of(studio: StudioModel, beside: Beside) -> Self {
        Self {
            config: beside.config,
            dataset: beside.dataset,
            metrics: beside.metrics,
            latest_version: studio.model.latest_version,
            deployed: studio.model.deployed,
            visibility: visibility(studio.private),
            role: beside.role.text(),
            row: studio.into(),
        }
    }
}

/// The word for who sees a model.
pub fn visibility(private: bool) -> &'static str {
    if private { "private" } else { "org" }
}
