//! A model as the Studio sees it.

use super::StudioStatus;
use super::status::studio_status;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::{Model, model, model_columns, summary};
use crate::registry::Registry;
use serde_json::{Map, Value, json};
use servoir_types::ModelId;
use sqlx::Row as _;
use sqlx::any::AnyRow;

super::words! {
    /// How a model's versions come to be.
    ModelType of "type of a model" {
        /// The Studio trains them.
        Auto = "auto",
        /// Somebody brings them.
        Custom = "custom",
    }
}

super::words! {
    /// What a model is to say of a row.
    TaskType of "task" {
        /// Which class it is of.
        Classification = "classification",
        /// A number.
        Regression = "regression",
    }
}

/// A model as the Studio sees it.
#[derive(Debug, Clone)]
pub struct StudioModel {
    /// What the registry knows of it.
    pub model: Model,
    /// Models that come from the Registry API are custom.
    pub model_type: ModelType,
    /// Models that come from the Registry API have none.
    pub task_type: Option<TaskType>,
    /// How it is trained, as far as somebody has said; what is absent has its default.
    pub config: Map<String, Value>,
    /// Settings by section, as far as somebody has said.
    pub settings: Map<String, Value>,
    /// Whether only its owner, its collaborators and administrators see it.
    pub private: bool,
    /// The version that is the model's best.
    pub promoted_version: Option<i64>,
    /// Where it stands.
    pub status: StudioStatus,
}

/// A row's columns, in every statement that gives models of the Studio back.
macro_rules! studio_columns {
    () => {
        concat!(
            model_columns!(),
            ", model_type, task_type, config, settings, private, promoted_version, ",
            studio_status!(),
            " as studio_status from models join studio_models on studio_models.model = models.id"
        )
    };
}
pub(super) use studio_columns;

impl Registry {
    /// One model, by id or name.
    pub async fn studio_model(&self, organization: &str, id_or_name: &str) -> Result<StudioModel> {
        let row =
            sqlx::query(concat!("select ", studio_columns!(), " where organization = $1 and (id = $2 or name = $2)"))
                .bind(organization)
                .bind(id_or_name)
                .fetch_optional(&mut *self.database().read().await?)
                .await?;
        studio_model(&row.ok_or_else(|| RegistryError::no_model(id_or_name))?)
    }
}

/// A touched model, as it is inside the transaction.
pub(super) async fn select(write: &mut Write, id: &ModelId) -> Result<StudioModel> {
    let row = sqlx::query(concat!("select ", studio_columns!(), " where id = $1"))
        .bind(id.as_str())
        .fetch_optional(write.connection())
        .await?;
    studio_model(&row.ok_or_else(|| RegistryError::no_model(id))?)
}

pub(super) fn studio_model(row: &AnyRow) -> Result<StudioModel> {
    let task_type: Option<String> = row.try_get("task_type")?;
    Ok(StudioModel {
        model: model(row)?,
        model_type: ModelType::from_text(&row.try_get::<String, _>("model_type")?)?,
        task_type: task_type.as_deref().map(TaskType::from_text).transpose()?,
        config: object(row, "config")?,
        settings: object(row, "settings")?,
        private: row.try_get::<i64, _>("private")? != 0,
        promoted_version: row.try_get("promoted_version")?,
        status: StudioStatus::from_text(&row.try_get::<String, _>("studio_status")?)?,
    })
}

fn object(row: &AnyRow, column: &str) -> Result<Map<String, Value>> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| RegistryError::Inconsistent(format!("column {column} of a model: {error}")))
}

impl StudioModel {
    /// What the audit keeps of it.
    pub(super) fn summary(&self) -> Value {
        let mut summary = summary(&self.model);
        summary["modelType"] = self.model_type.text().into();
        summary["taskType"] = self.task_type.map(TaskType::text).into();
        summary["config"] = Value::Object(self.config.clone());
        summary
    }

    /// What the audit keeps of its settings.
    pub(super) fn settings_summary(&self) -> Value {
        json!({ "settings": self.settings, "private": self.private })
    }
}
