//! Registering a model.

use super::{Model, NewModel, distinct, insert_tags, list, model, model_columns, summary, taken_or};
use crate::actor::{Actor, storable};
use crate::audit::Deed;
use crate::database::Write;
use crate::error::Result;
use crate::registry::Registry;
use crate::studio::{self, NewStudio};
use serde_json::json;
use servoir_types::{ModelId, Timestamp};

impl Registry {
    /// `model.created`.
    pub async fn create_model(&self, actor: &Actor, new: NewModel) -> Result<Model> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let model = insert(&mut write, actor, new, now).await?;
        studio::insert(&mut write, &model.id, &NewStudio::default()).await?;
        let deed =
            Deed { action: "model.created", target: model.id.as_str(), before: None, after: Some(summary(&model)) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(model)
    }
}

/// Inserts the registry's part of a new model; its owner is the actor.
pub(crate) async fn insert(write: &mut Write, actor: &Actor, new: NewModel, now: Timestamp) -> Result<Model> {
    let tags = distinct(new.tags);
    for (field, text) in [("description", &new.description), ("framework", &new.framework), ("source", &new.source)]
        .into_iter()
        .chain(new.workspace.iter().map(|workspace| ("workspaceId", workspace)))
        .chain(tags.iter().map(|tag| ("tags", tag)))
    {
        storable(field, text)?;
    }
    let row = sqlx::query(concat!(
        "insert into models (id, organization, workspace, name, name_order, search_text, description, owner, \
         framework, source, tags, status, latest_version, versions_made, created_at, updated_at, revision) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'registered', 0, 0, $12, $12, 1) returning ",
        model_columns!()
    ))
    .bind(ModelId::random().as_str())
    .bind(&actor.organization)
    .bind(new.workspace)
    .bind(new.name.as_str())
    .bind(list::name_order(&new.name))
    .bind(list::search_text(&new.name, &new.description))
    .bind(&new.description)
    .bind(&actor.subject)
    .bind(new.framework)
    .bind(new.source)
    .bind(json!(tags).to_string())
    .bind(now.as_millis())
    .fetch_one(write.connection())
    .await
    .map_err(|error| taken_or(&new.name, error))?;
    let model = model(&row)?;
    insert_tags(write.connection(), &model.id, &tags).await?;
    Ok(model)
}
