//! Which dataset a model is trained on: at most one.

use super::no_dataset;
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::{Connection, Write};
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use servoir_types::{DatasetId, ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::HashSet;

/// A model's dataset.
#[derive(Debug, Clone)]
pub struct DatasetLink {
    /// Which.
    pub dataset: DatasetId,
    /// Its name.
    pub name: String,
    /// Whether it was held against the model's configuration.
    pub schema_validated: bool,
    /// Who linked it.
    pub linked_by: String,
    /// When.
    pub linked_at: Timestamp,
}

impl Registry {
    /// `model.dataset_linked`. A link that is there is replaced. `validate`: the dataset must have every column that the
    /// model's configuration names.
    pub async fn link_dataset(
        &self,
        actor: &Actor,
        model: &ModelId,
        dataset: &DatasetId,
        validate: bool,
    ) -> Result<DatasetLink> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let before = find(write.connection(), model).await?;
        let config = if validate { Some(config(&mut write, model).await?) } else { None };
        let link = link(&mut write, actor, (model, dataset), config.as_ref(), now).await?;
        let deed = Deed {
            action: "model.dataset_linked",
            target: model.as_str(),
            before: before.as_ref().map(audited),
            after: Some(audited(&link)),
        };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(link)
    }

    /// `model.dataset_unlinked`.
    pub async fn unlink_dataset(&self, actor: &Actor, model: &ModelId) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let before = find(write.connection(), model).await?;
        let before = before.ok_or_else(|| no_link(model))?;
        sqlx::query("delete from dataset_links where model = $1")
            .bind(model.as_str())
            .execute(write.connection())
            .await?;
        let deed = Deed {
            action: "model.dataset_unlinked",
            target: model.as_str(),
            before: Some(audited(&before)),
            after: None,
        };
        write.record(actor, now, deed).await?;
        write.commit().await
    }

    /// A model's dataset, if it has one. Whether the caller may know of the model is settled before.
    pub async fn dataset_link(&self, model: &ModelId) -> Result<Option<DatasetLink>> {
        find(&mut *self.database().read().await?, model).await
    }
}

/// Links a dataset of the actor's organization to a model that is locked by this transaction. With a configuration, the
/// dataset must have every column that it names.
pub(crate) async fn link(
    write: &mut Write,
    actor: &Actor,
    (model, dataset): (&ModelId, &DatasetId),
    config: Option<&Map<String, Value>>,
    now: Timestamp,
) -> Result<DatasetLink> {
    if let Some(config) = config {
        require_columns(write, actor, dataset, config).await?;
    }
    let linked = sqlx::query(
        "insert into dataset_links (model, dataset, schema_validated, linked_by, linked_at) \
         select $1, id, $3, $4, $5 from datasets where id = $2 and organization = $6 \
         on conflict (model) do update set dataset = excluded.dataset, schema_validated = excluded.schema_validated, \
         linked_by = excluded.linked_by, linked_at = excluded.linked_at",
    )
    .bind(model.as_str())
    .bind(dataset.as_str())
    .bind(i64::from(config.is_some()))
    .bind(&actor.subject)
    .bind(now.as_millis())
    .bind(&actor.organization)
    .execute(write.connection())
    .await;
    let is_gone = |error: &sqlx::Error| error.as_database_error().is_some_and(|cause| cause.is_foreign_key_violation());
    match linked {
        Ok(linked) if linked.rows_affected() == 0 => return Err(no_dataset(dataset)),
        Ok(_) => {}
        // Another server deleted it in between.
        Err(error) if is_gone(&error) => return Err(no_dataset(dataset)),
        Err(error) => return Err(error.into()),
    }
    let link = find(write.connection(), model).await?;
    link.ok_or_else(|| RegistryError::Inconsistent("a link is not there".into()))
}

async fn require_columns(
    write: &mut Write,
    actor: &Actor,
    dataset: &DatasetId,
    config: &Map<String, Value>,
) -> Result<()> {
    let columns: Option<String> =
        sqlx::query_scalar("select columns from datasets where organization = $1 and id = $2")
            .bind(&actor.organization)
            .bind(dataset.as_str())
            .fetch_optional(write.connection())
            .await?;
    let columns: Vec<Named> = read_json("columns of a dataset", &columns.ok_or_else(|| no_dataset(dataset))?)?;
    let columns: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let missing: Vec<_> = named(config).filter(|name| !columns.contains(name)).map(str::to_owned).collect();
    if missing.is_empty() { Ok(()) } else { Err(RegistryError::ColumnsMissing(missing)) }
}

/// A column of a dataset, as far as it matters here.
#[derive(Deserialize)]
struct Named {
    name: String,
}

/// The columns that a configuration names.
fn named(config: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let features = config.get("feature_columns").and_then(Value::as_array).into_iter().flatten();
    config.get("target_column").into_iter().chain(features).filter_map(Value::as_str)
}

async fn config(write: &mut Write, model: &ModelId) -> Result<Map<String, Value>> {
    let text: String = sqlx::query_scalar("select config from studio_models where model = $1")
        .bind(model.as_str())
        .fetch_one(write.connection())
        .await?;
    read_json("config of a model", &text)
}

fn read_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| RegistryError::Inconsistent(format!("{what}: {error}")))
}

async fn find(connection: &mut Connection, model: &ModelId) -> Result<Option<DatasetLink>> {
    let row = sqlx::query(
        "select dataset, datasets.name as dataset_name, schema_validated, linked_by, linked_at \
         from dataset_links join datasets on datasets.id = dataset_links.dataset where model = $1",
    )
    .bind(model.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<DatasetLink> {
    Ok(DatasetLink {
        dataset: DatasetId::from_text(row.try_get::<String, _>("dataset")?),
        name: row.try_get("dataset_name")?,
        schema_validated: row.try_get::<i64, _>("schema_validated")? != 0,
        linked_by: row.try_get("linked_by")?,
        linked_at: Timestamp::from_millis(row.try_get("linked_at")?),
    })
}

fn no_link(model: &ModelId) -> RegistryError {
    RegistryError::NotFound { what: "dataset linked to model", id: model.to_string() }
}

/// What the audit keeps of a link.
fn audited(link: &DatasetLink) -> Value {
    json!({ "datasetId": link.dataset.as_str(), "datasetName": link.name, "schemaValidated": link.schema_validated })
}
