//! Which version answered for a model, and when: read from the audit, which no change escapes.

use super::time;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use serde_json::Value;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;

/// The most changes that are looked back over.
const CHANGES_MAX: i64 = 1000;

/// From this moment on, a version answered, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub version: Option<i64>,
}

impl Registry {
    /// The changes of which version answered for a model, up to a moment, by time: the newest thousand.
    pub async fn served(&self, organization: &str, model: &ModelId, to: Timestamp) -> Result<Vec<Served>> {
        let rows = sqlx::query(
            "select at, state_after from audit where organization = $1 and target = $2 and at <= $3 and action in \
             ('model.deployed', 'model.version_promoted', 'model.rolled_back', 'model.undeployed') \
             order by sequence desc limit $4",
        )
        .bind(organization)
        .bind(model.as_str())
        .bind(to.as_millis())
        .bind(CHANGES_MAX)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        let mut changes = Vec::<Served>::new();
        for row in rows.iter().rev() {
            let after: Option<String> = row.try_get("state_after")?;
            let after: Option<Value> = after.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
                RegistryError::Inconsistent(format!("the audit of a deployment of '{model}': {error}"))
            })?;
            let version = after.and_then(|after| after["primary"]["version"].as_i64());
            // A canary or a shadow changes nothing here.
            if changes.last().is_none_or(|last| last.version != version) {
                changes.push(Served { at: time(row, "at")?, version });
            }
        }
        Ok(changes)
    }
}
