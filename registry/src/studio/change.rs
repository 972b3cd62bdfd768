//! Changing what is kept of a model, with a look at it under lock.

use super::StudioModel;
use super::model::select;
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::{ModelChange, apply, touch};
use crate::registry::Registry;
use serde_json::{Map, Value, json};
use servoir_types::{ModelId, Timestamp};

/// Which part of a model is changed: it says what the audit calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudioPart {
    /// `model.updated`: name, description, tags, configuration. Not while it is trained.
    Model,
    /// `model.config_updated`. Not while it is trained.
    Config,
    /// `model.settings_updated`.
    Settings,
}

/// What of a model is to change; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct StudioChange {
    /// What the registry keeps of it.
    pub model: ModelChange,
    /// All of the configuration.
    pub config: Option<Map<String, Value>>,
    /// All of the settings.
    pub settings: Option<Map<String, Value>>,
    /// Whether only its owner, its collaborators and administrators see it.
    pub private: Option<bool>,
}

impl Registry {
    /// Changes a part of a model as `edit` says when it has seen the model, which stays as it is meanwhile. `if_revision`:
    /// only when the model is at that revision. Nothing happens when `edit` fails.
    pub async fn change_studio_model<E: From<RegistryError>>(
        &self,
        actor: &Actor,
        (id, if_revision): (&ModelId, Option<i64>),
        part: StudioPart,
        edit: impl FnOnce(&StudioModel) -> Result<StudioChange, E>,
    ) -> Result<StudioModel, E> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, id, if_revision, now).await?;
        if part != StudioPart::Settings {
            refuse_while_training(&mut write, id).await?;
        }
        let before = select(&mut write, id).await?;
        let change = edit(&before)?;
        let after = make(&mut write, &before, change).await?;
        let (action, old, new) = match part {
            StudioPart::Model => ("model.updated", before.summary(), after.summary()),
            StudioPart::Config => ("model.config_updated", json!(before.config), json!(after.config)),
            StudioPart::Settings => ("model.settings_updated", before.settings_summary(), after.settings_summary()),
        };
        let deed = Deed { action, target: id.as_str(), before: Some(old), after: Some(new) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(after)
    }
}

async fn make(write: &mut Write, before: &StudioModel, change: StudioChange) -> Result<StudioModel> {
    let model = apply(write, &before.model, change.model).await?;
    let after = StudioModel {
        model,
        config: change.config.unwrap_or_else(|| before.config.clone()),
        settings: change.settings.unwrap_or_else(|| before.settings.clone()),
        private: change.private.unwrap_or(before.private),
        ..before.clone()
    };
    sqlx::query("update studio_models set config = $2, settings = $3, private = $4 where model = $1")
        .bind(after.model.id.as_str())
        .bind(json!(after.config).to_string())
        .bind(json!(after.settings).to_string())
        .bind(i64::from(after.private))
        .execute(write.connection())
        .await?;
    Ok(after)
}

/// Refuses what a run must not have happen to its model. The model has been touched: no run begins meanwhile.
pub(crate) async fn refuse_while_training(write: &mut Write, id: &ModelId) -> Result<()> {
    let active: i64 =
        sqlx::query_scalar("select count(*) from runs where model = $1 and status in ('queued', 'running')")
            .bind(id.as_str())
            .fetch_one(write.connection())
            .await?;
    if active == 0 { Ok(()) } else { Err(RegistryError::RunInProgress(id.clone())) }
}
