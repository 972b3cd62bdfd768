//! Registered models: the objects that versions and deployments belong to.

mod create;
mod delete;
mod list;

use crate::actor::{Actor, storable};
use crate::audit::Deed;
use crate::database::{Connection, Write};
use crate::error::{RegistryError, Result, is_unique_violation};
use crate::registry::Registry;
use crate::studio;
pub(crate) use create::insert;
pub use list::{ModelFilter, ModelStatus, SortField};
pub(crate) use list::{SEARCH_BYTES_MAX, pattern};
use serde_json::{Value, json};
use servoir_types::{ModelId, Name, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A registered model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Model {
    pub id: ModelId,
    pub organization: String,
    pub workspace: Option<String>,
    pub name: Name,
    pub description: String,
    pub owner: String,
    /// One of the API's frameworks, checked at the door.
    pub framework: String,
    /// One of the API's sources, checked at the door.
    pub source: String,
    pub tags: Vec<String>,
    /// 0 when there is none.
    pub latest_version: i64,
    pub archived: bool,
    pub deployed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Grows by one with each change of the model, its versions or its deployment: the `ETag`.
    pub revision: i64,
}

/// What a new model is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewModel {
    pub name: Name,
    pub description: String,
    pub framework: String,
    pub source: String,
    pub tags: Vec<String>,
    pub workspace: Option<String>,
}

/// What of a model is to change; `None` stays.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct ModelChange {
    pub name: Option<Name>,
    pub description: Option<String>,
    pub tags: Option<Vec<String>>,
}

/// A model's columns, in every statement that gives models back.
macro_rules! model_columns {
    () => {
        "id, organization, workspace, name, description, owner, framework, source, tags, status, latest_version, \
         created_at, updated_at, revision"
    };
}
pub(crate) use model_columns;

impl Registry {
    /// One model, by id or name.
    pub async fn model(&self, organization: &str, id_or_name: &str) -> Result<Model> {
        let row = sqlx::query(concat!(
            "select ",
            model_columns!(),
            " from models where organization = $1 and (id = $2 or name = $2)"
        ))
        .bind(organization)
        .bind(id_or_name)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        model(&row.ok_or_else(|| RegistryError::no_model(id_or_name))?)
    }

    /// `model.updated`. `if_revision`: only when the model is at that revision.
    pub async fn update_model(
        &self,
        actor: &Actor,
        id: &ModelId,
        change: ModelChange,
        if_revision: Option<i64>,
    ) -> Result<Model> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let before = touch(&mut write, actor, id, if_revision, now).await?;
        let model = apply(&mut write, &before, change).await?;
        let (old, new) = (Some(summary(&before)), Some(summary(&model)));
        let deed = Deed { action: "model.updated", target: id.as_str(), before: old, after: new };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(model)
    }

    /// `model.archived` or `model.unarchived`. Archiving an archived model changes nothing.
    pub async fn set_archived(&self, actor: &Actor, id: &ModelId, archived: bool) -> Result<Model> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let before = touch(&mut write, actor, id, None, now).await?;
        match (archived, before.archived) {
            (true, true) => {
                drop(write);
                return self.model(&actor.organization, id.as_str()).await;
            }
            (true, false) if before.deployed => return Err(RegistryError::ModelDeployed(before.id)),
            (true, false) => studio::refuse_while_training(&mut write, id).await?,
            (false, false) => return Err(RegistryError::NotArchived(before.id)),
            _ => {}
        }
        let (action, status) =
            if archived { ("model.archived", "archived") } else { ("model.unarchived", "registered") };
        let model = set_status(&mut write, id, status).await?;
        let (old, new) = (Some(summary(&before)), Some(summary(&model)));
        write.record(actor, now, Deed { action, target: id.as_str(), before: old, after: new }).await?;
        write.commit().await?;
        Ok(model)
    }
}

/// Counts a change of a model, or of what belongs to it, and gives back the model as it is now. It also locks the model
/// to the end of the transaction: whatever is read of it afterwards stays true until the commit. Every transaction that
/// changes a model begins here.
pub(crate) async fn touch(
    write: &mut Write,
    actor: &Actor,
    id: &ModelId,
    if_revision: Option<i64>,
    now: Timestamp,
) -> Result<Model> {
    let row = sqlx::query(concat!(
        "update models set revision = revision + 1, updated_at = $4 \
         where organization = $1 and id = $2 and ($3 is null or revision = $3) returning ",
        model_columns!()
    ))
    .bind(&actor.organization)
    .bind(id.as_str())
    .bind(if_revision)
    .bind(now.as_millis())
    .fetch_optional(write.connection())
    .await?;
    if let Some(row) = row {
        return model(&row);
    }
    let current = sqlx::query_scalar("select revision from models where organization = $1 and id = $2")
        .bind(&actor.organization)
        .bind(id.as_str())
        .fetch_optional(write.connection())
        .await?;
    match current {
        Some(current) => Err(RegistryError::Stale { current }),
        None => Err(RegistryError::no_model(id)),
    }
}

/// Changes a touched model.
pub(crate) async fn apply(write: &mut Write, before: &Model, change: ModelChange) -> Result<Model> {
    let tags = change.tags.map(distinct);
    for (field, text) in change
        .description
        .iter()
        .map(|description| ("description", description))
        .chain(tags.iter().flatten().map(|tag| ("tags", tag)))
    {
        storable(field, text)?;
    }
    let name = change.name.unwrap_or_else(|| before.name.clone());
    let description = change.description.unwrap_or_else(|| before.description.clone());
    let row = sqlx::query(concat!(
        "update models set name = $2, name_order = $3, search_text = $4, description = $5, tags = $6 \
         where id = $1 returning ",
        model_columns!()
    ))
    .bind(before.id.as_str())
    .bind(name.as_str())
    .bind(list::name_order(&name))
    .bind(list::search_text(&name, &description))
    .bind(&description)
    .bind(json!(tags.as_ref().unwrap_or(&before.tags)).to_string())
    .fetch_one(write.connection())
    .await
    .map_err(|error| taken_or(&name, error))?;
    let model = model(&row)?;
    if let Some(tags) = tags {
        delete_tags(write.connection(), &model.id).await?;
        insert_tags(write.connection(), &model.id, &tags).await?;
    }
    Ok(model)
}

/// Moves a touched model to another status.
pub(crate) async fn set_status(write: &mut Write, id: &ModelId, status: &str) -> Result<Model> {
    let row = sqlx::query(concat!("update models set status = $2 where id = $1 returning ", model_columns!()))
        .bind(id.as_str())
        .bind(status)
        .fetch_one(write.connection())
        .await?;
    model(&row)
}

fn taken_or(name: &Name, error: sqlx::Error) -> RegistryError {
    if is_unique_violation(&error) { RegistryError::NameTaken(name.clone()) } else { error.into() }
}

async fn insert_tags(connection: &mut Connection, id: &ModelId, tags: &[String]) -> Result<()> {
    for tag in tags {
        sqlx::query("insert into model_tags (model, tag) values ($1, $2)")
            .bind(id.as_str())
            .bind(tag)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn delete_tags(connection: &mut Connection, id: &ModelId) -> Result<()> {
    sqlx::query("delete from model_tags where model = $1").bind(id.as_str()).execute(connection).await?;
    Ok(())
}

/// The tags in their order, each once.
fn distinct(tags: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    tags.into_iter().filter(|tag| seen.insert(tag.clone())).collect()
}

pub(crate) fn model(row: &AnyRow) -> Result<Model> {
    let inconsistent = |column: &str, error: &dyn std::fmt::Display| {
        RegistryError::Inconsistent(format!("column {column} of a model: {error}"))
    };
    let name: String = row.try_get("name")?;
    let tags: String = row.try_get("tags")?;
    let status: String = row.try_get("status")?;
    Ok(Model {
        id: ModelId::from_text(row.try_get::<String, _>("id")?),
        organization: row.try_get("organization")?,
        workspace: row.try_get("workspace")?,
        name: name.parse().map_err(|error| inconsistent("name", &error))?,
        description: row.try_get("description")?,
        owner: row.try_get("owner")?,
        framework: row.try_get("framework")?,
        source: row.try_get("source")?,
        tags: serde_json::from_str(&tags).map_err(|error| inconsistent("tags", &error))?,
        latest_version: row.try_get("latest_version")?,
        archived: status == "archived",
        deployed: status == "deployed",
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        updated_at: Timestamp::from_millis(row.try_get("updated_at")?),
        revision: row.try_get("revision")?,
    })
}

/// What the audit keeps of a model.
pub(crate) fn summary(model: &Model) -> Value {
    json!({
        "name": model.name,
        "description": model.description,
        "framework": model.framework,
        "source": model.source,
        "tags": model.tags,
        "workspaceId": model.workspace,
        "archived": model.archived,
    })
}
