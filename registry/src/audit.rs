//! The audit: one entry for every write, in the same transaction, each hashed over the one before it.

mod chain;
mod list;
mod verify;

use crate::actor::Actor;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use chain::Link;
pub use list::AuditFilter;
pub(crate) use list::{entry_columns, entry_of};
use servoir_types::{Digest, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
pub use verify::AuditVerdict;
pub(crate) use verify::verify;

/// One thing that was done.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct AuditEntry {
    pub sequence: i64,
    pub at: Timestamp,
    pub organization: String,
    pub actor: String,
    pub credential: String,
    pub address: Option<String>,
    /// `model.created`, `model.deployed`, `api_key.revoked`, …
    pub action: String,
    /// The object that it was done to.
    pub target: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
    pub request_id: String,
}

/// What was done to what, for an entry.
pub(crate) struct Deed<'a> {
    pub(crate) action: &'static str,
    pub(crate) target: &'a str,
    pub(crate) before: Option<serde_json::Value>,
    pub(crate) after: Option<serde_json::Value>,
}

impl Write {
    /// Appends an entry. This is a transaction's last statement before its commit: it locks the head of the chain, and
    /// everything else is locked before it, so that no two transactions wait for one another.
    pub(crate) async fn record(&mut self, actor: &Actor, at: Timestamp, deed: Deed<'_>) -> Result<()> {
        let head = sqlx::query("update audit_head set sequence = sequence + 1 where id = 1 returning sequence, hash")
            .fetch_one(self.connection())
            .await?;
        let link = Link {
            sequence: head.try_get("sequence")?,
            at: at.as_millis(),
            organization: actor.organization.clone(),
            actor: actor.subject.clone(),
            credential: actor.credential.clone(),
            address: actor.address.clone(),
            action: deed.action.to_owned(),
            target: deed.target.to_owned(),
            before: deed.before.map(|value| value.to_string()),
            after: deed.after.map(|value| value.to_string()),
            request_id: actor.request_id.clone(),
        };
        let hash = link.hash(digest(&head, "hash")?).to_hex();
        sqlx::query(
            "insert into audit (sequence, at, organization, actor, credential, address, action, target, state_before, \
             state_after, request_id, hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(link.sequence)
        .bind(link.at)
        .bind(link.organization)
        .bind(link.actor)
        .bind(link.credential)
        .bind(link.address)
        .bind(link.action)
        .bind(link.target)
        .bind(link.before)
        .bind(link.after)
        .bind(link.request_id)
        .bind(&hash)
        .execute(self.connection())
        .await?;
        sqlx::query("update audit_head set hash = $1 where id = 1").bind(hash).execute(self.connection()).await?;
        Ok(())
    }
}

/// A digest column.
pub(crate) fn digest(row: &AnyRow, column: &str) -> Result<Digest> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error| RegistryError::Inconsistent(format!("column {column}: {error}")))
}
