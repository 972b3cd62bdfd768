//! Walking the audit's hash chain.

use super::chain::Link;
use super::digest;
use crate::database::Connection;
use crate::error::Result;
use crate::registry::Registry;
use servoir_types::Digest;
use sqlx::Row as _;

/// Entries that are in memory at a time.
const PAGE_ENTRIES: i64 = 100;

/// What a check of the audit's hash chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AuditVerdict {
    Intact {
        entries: i64,
    },
    /// The first entry that does not follow from the one before it.
    Broken {
        sequence: i64,
        reason: String,
    },
}

impl Registry {
    /// Walks the whole hash chain, up to the entry that was the last when it began.
    pub async fn verify_audit(&self) -> Result<AuditVerdict> {
        verify(&mut *self.database().read().await?).await
    }
}

pub(crate) async fn verify(connection: &mut Connection) -> Result<AuditVerdict> {
    let head = sqlx::query("select sequence, hash from audit_head where id = 1").fetch_one(&mut *connection).await?;
    let entries: i64 = head.try_get("sequence")?;
    let last = digest(&head, "hash")?;
    let mut previous = Digest::from_bytes([0; 32]);
    let mut sequence = 0;
    let broken = |sequence, reason: &str| Ok(AuditVerdict::Broken { sequence, reason: reason.to_owned() });
    while sequence < entries {
        let rows = sqlx::query(
            "select sequence, at, organization, actor, credential, address, action, target, state_before, \
             state_after, request_id, hash from audit where sequence > $1 and sequence <= $2 order by sequence limit $3",
        )
        .bind(sequence)
        .bind(entries)
        .bind(PAGE_ENTRIES)
        .fetch_all(&mut *connection)
        .await?;
        if rows.is_empty() {
            return broken(sequence + 1, "the entry is missing, and all after it");
        }
        for row in &rows {
            sequence += 1;
            let link = Link::from_row(row)?;
            if link.sequence != sequence {
                return broken(sequence, "the entry is missing");
            }
            let hash = digest(row, "hash")?;
            if link.hash(previous) != hash {
                return broken(sequence, "the entry was altered, or does not follow the one before it");
            }
            previous = hash;
        }
    }
    if previous != last {
        return broken(entries, "the entry is not the one that was written last");
    }
    let beyond: i64 = sqlx::query_scalar(
        "select count(*) from audit where sequence <= 0 or sequence > (select sequence from audit_head where id = 1)",
    )
    .fetch_one(connection)
    .await?;
    if beyond > 0 {
        return broken(entries + 1, "there are entries outside the chain");
    }
    Ok(AuditVerdict::Intact { entries })
}
