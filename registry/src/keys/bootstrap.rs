//! The first key of an empty database, with which every other is made.

use super::mint;
use crate::actor::{Actor, storable};
use crate::audit::Deed;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{Digest, Secret, Timestamp};

/// The least characters of a key that an operator chooses.
const PROVIDED_CHARS_MIN: usize = 32;
/// How much of a key that an operator chose is shown.
const PROVIDED_PREFIX_CHARS: usize = 8;

const ORGANIZATION: &str = "default";

impl Registry {
    /// On a database without any key: keeps `provided`, or makes one and gives it back to be shown once. Scope `*`,
    /// organization `default`. On any other: nothing.
    pub async fn bootstrap_key(&self, provided: Option<Secret>) -> Result<Option<Secret>> {
        let made = mint();
        let (key, prefix, show) = match provided {
            None => (made.key, made.prefix, true),
            Some(key) if key.expose().chars().count() < PROVIDED_CHARS_MIN => {
                return Err(RegistryError::Invalid {
                    field: "the bootstrap key",
                    reason: "has fewer than 32 characters",
                });
            }
            Some(key) => {
                let prefix: String = key.expose().chars().take(PROVIDED_PREFIX_CHARS).collect();
                storable("the bootstrap key", &prefix)?;
                (key, prefix, false)
            }
        };
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        // Holding the audit's head, as every write does last, keeps a second node from making one at the same time.
        sqlx::query("update audit_head set sequence = sequence where id = 1").execute(write.connection()).await?;
        let inserted = sqlx::query(
            "insert into api_keys (id, organization, name, prefix, hash, scopes, created_by, created_at) \
             select $1, $2, 'bootstrap', $3, $4, $5, 'bootstrap', $6 where not exists (select 1 from api_keys)",
        )
        .bind(&made.id)
        .bind(ORGANIZATION)
        .bind(prefix)
        .bind(Digest::of(key.expose().as_bytes()).to_hex())
        .bind(json!(["*"]).to_string())
        .bind(now.as_millis())
        .execute(write.connection())
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(None);
        }
        let actor = Actor {
            organization: ORGANIZATION.into(),
            subject: "system".into(),
            credential: "bootstrap".into(),
            address: None,
            request_id: String::new(),
        };
        let after = json!({ "name": "bootstrap", "scopes": ["*"], "expiresAt": null });
        let deed = Deed { action: "api_key.created", target: &made.id, before: None, after: Some(after) };
        write.record(&actor, now, deed).await?;
        write.commit().await?;
        Ok(show.then_some(key))
    }
}
