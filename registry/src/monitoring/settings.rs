//! How a model is monitored, as somebody has said it.

use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Connection;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::Value;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;

/// What is kept of how a model is monitored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MonitoringSettingsRow {
    /// JSON; `None` until somebody has said something.
    pub body: Option<String>,
    /// Grows by one with each change, from 0: the `ETag`.
    pub revision: i64,
}

/// What takes the place of a model's settings.
#[derive(Debug, Clone)]
pub struct MonitoringChange {
    /// JSON.
    pub body: String,
    /// What the audit is told of the settings before and after: no secrets.
    pub audited: (Value, Value),
}

impl Registry {
    /// How a model is monitored. Whether the caller may know of the model is settled before.
    pub async fn monitoring_settings(&self, model: &ModelId) -> Result<MonitoringSettingsRow> {
        find(&mut *self.database().read().await?, model).await
    }

    /// `model.monitoring_updated`: changes the settings as `edit` says when it has seen those that there are, which stay as
    /// they are meanwhile. `if_revision`: only when they are at that revision. Nothing happens when `edit` fails.
    pub async fn change_monitoring_settings<E: From<RegistryError>>(
        &self,
        actor: &Actor,
        (model, if_revision): (&ModelId, Option<i64>),
        edit: impl FnOnce(&MonitoringSettingsRow) -> Result<MonitoringChange, E>,
    ) -> Result<MonitoringSettingsRow, E> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let before = find(write.connection(), model).await?;
        if if_revision.is_some_and(|revision| revision != before.revision) {
            return Err(RegistryError::Stale { current: before.revision }.into());
        }
        let change = edit(&before)?;
        let after = MonitoringSettingsRow { body: Some(change.body), revision: before.revision + 1 };
        sqlx::query(
            "insert into monitoring_settings (model, body, revision, updated_by, updated_at) values ($1, $2, $3, $4, $5) \
             on conflict (model) do update set body = excluded.body, revision = excluded.revision, \
             updated_by = excluded.updated_by, updated_at = excluded.updated_at",
        )
        .bind(model.as_str())
        .bind(&after.body)
        .bind(after.revision)
        .bind(&actor.subject)
        .bind(now.as_millis())
        .execute(write.connection())
        .await
        .map_err(RegistryError::from)?;
        let (old, new) = change.audited;
        let deed =
            Deed { action: "model.monitoring_updated", target: model.as_str(), before: Some(old), after: Some(new) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(after)
    }
}

async fn find(connection: &mut Connection, model: &ModelId) -> Result<MonitoringSettingsRow> {
    let row = sqlx::query("select body, revision from monitoring_settings where model = $1")
        .bind(model.as_str())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(MonitoringSettingsRow::default()) };
    Ok(MonitoringSettingsRow { body: row.try_get("body")?, revision: row.try_get("revision")? })
}
