//! New models of the Studio: from nothing, and as copies of others.

use super::model::select;
use super::{ModelType, StudioModel, TaskType};
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::datasets::link;
use crate::error::{RegistryError, Result};
use crate::models::{self, NewModel};
use crate::registry::Registry;
use serde_json::{Map, Value, json};
use servoir_types::{DatasetId, ModelId, Name, Timestamp};

/// So many names are tried for a copy that was given none.
const COPY_NAMES_MAX: usize = 100;

/// What a new model of the Studio is made of.
#[derive(Debug, Clone)]
pub struct NewStudioModel {
    /// What the registry keeps of it.
    pub model: NewModel,
    /// How its versions come to be.
    pub model_type: ModelType,
    /// What it is to say of a row.
    pub task_type: TaskType,
    /// How it is trained.
    pub config: Map<String, Value>,
}

/// What the Studio keeps of a new model.
#[derive(Debug, Clone)]
pub(crate) struct NewStudio {
    pub(crate) model_type: ModelType,
    pub(crate) task_type: Option<TaskType>,
    pub(crate) config: Map<String, Value>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) private: bool,
}

impl Default for NewStudio {
    /// Of a model that comes from the Registry API.
    fn default() -> Self {
        let empty = Map::new;
        Self { model_type: ModelType::Custom, task_type: None, config: empty(), settings: empty(), private: false }
    }
}

impl Registry {
    /// `model.created`: linked to a dataset at once, when one is named.
    pub async fn create_studio_model(
        &self,
        actor: &Actor,
        new: NewStudioModel,
        dataset: Option<&DatasetId>,
    ) -> Result<StudioModel> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let id = models::insert(&mut write, actor, new.model, now).await?.id;
        let studio = NewStudio {
            model_type: new.model_type,
            task_type: Some(new.task_type),
            config: new.config,
            ..NewStudio::default()
        };
        insert(&mut write, &id, &studio).await?;
        if let Some(dataset) = dataset {
            link(&mut write, actor, (&id, dataset), Some(&studio.config), now).await?;
        }
        let model = select(&mut write, &id).await?;
        let mut after = model.summary();
        after["datasetId"] = json!(dataset);
        let deed = Deed { action: "model.created", target: id.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(model)
    }

    /// `model.duplicated`: a draft with the description, tags, configuration and settings of another model, as private as
    /// it is, and on request linked to the same dataset. Without a name it is called a copy.
    pub async fn duplicate_model(
        &self,
        actor: &Actor,
        source: &StudioModel,
        name: Option<Name>,
        with_dataset: bool,
    ) -> Result<StudioModel> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let source = select(&mut write, &source.model.id).await?;
        let name = match name {
            Some(name) => name,
            None => copy_name(&mut write, &source).await?,
        };
        let new = NewModel {
            name,
            description: source.model.description.clone(),
            framework: source.model.framework.clone(),
            source: source.model.source.clone(),
            tags: source.model.tags.clone(),
            workspace: source.model.workspace.clone(),
        };
        let studio = NewStudio {
            model_type: source.model_type,
            task_type: source.task_type,
            config: source.config,
            settings: source.settings,
            private: source.private,
        };
        let id = models::insert(&mut write, actor, new, now).await?.id;
        insert(&mut write, &id, &studio).await?;
        if with_dataset {
            copy_link(&mut write, actor, &source.model.id, (&id, now)).await?;
        }
        let copy = select(&mut write, &id).await?;
        let mut after = copy.summary();
        after["copyOf"] = json!(source.model.id);
        let deed = Deed { action: "model.duplicated", target: id.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(copy)
    }
}

/// Inserts the Studio's part of a new model.
pub(crate) async fn insert(write: &mut Write, id: &ModelId, new: &NewStudio) -> Result<()> {
    sqlx::query(
        "insert into studio_models (model, model_type, task_type, config, settings, private) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.as_str())
    .bind(new.model_type.text())
    .bind(new.task_type.map(TaskType::text))
    .bind(json!(new.config).to_string())
    .bind(json!(new.settings).to_string())
    .bind(i64::from(new.private))
    .execute(write.connection())
    .await?;
    Ok(())
}

/// Links `to` to the dataset that `from` is linked to, if it is.
async fn copy_link(write: &mut Write, actor: &Actor, from: &ModelId, (to, now): (&ModelId, Timestamp)) -> Result<()> {
    sqlx::query(
        "insert into dataset_links (model, dataset, schema_validated, linked_by, linked_at) \
         select $2, dataset, schema_validated, $3, $4 from dataset_links where model = $1",
    )
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(&actor.subject)
    .bind(now.as_millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

/// `… copy`, `… copy 2`, …: the first that no model has.
async fn copy_name(write: &mut Write, source: &StudioModel) -> Result<Name> {
    let original = source.model.name.as_str();
    let mut candidate = String::new();
    for number in 1..=COPY_NAMES_MAX {
        let ending = if number == 1 { " copy".to_owned() } else { format!(" copy {number}") };
        let kept: String = original.chars().take(Name::CHARS_MAX - ending.chars().count()).collect();
        candidate = format!("{}{ending}", kept.trim_end());
        let taken: i64 = sqlx::query_scalar("select count(*) from models where organization = $1 and name = $2")
            .bind(&source.model.organization)
            .bind(&candidate)
            .fetch_one(write.connection())
            .await?;
        if taken == 0 {
            break;
        }
    }
    candidate.parse().map_err(|error| RegistryError::Inconsistent(format!("the name of a copy: {error}")))
}
