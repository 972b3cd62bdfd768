//! Answers kept for requests that come again with the same idempotency key.

use crate::database::Connection;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use servoir_types::{Digest, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// How long an answer is kept.
const KEEP_SECONDS: i64 = 24 * 3600;
/// A request that has been under way for so long has died with its server.
const ABANDONED_SECONDS: i64 = 600;
/// Expired rows that a new key takes away with it: more than one, so that the table shrinks.
const PURGE_ROWS: i64 = 4;
/// How often a key is tried again that is freed just when it is looked at.
const BEGIN_TRIES: usize = 4;

/// An answer kept for a repeat of the same request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct StoredAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Idempotency {
    /// New: go on, then keep the answer or abandon.
    New,
    /// The same request is being worked on.
    InProgress,
    /// Done before: this was the answer.
    Done(StoredAnswer),
    /// The key was used for another request.
    Mismatch,
}

impl Registry {
    /// Takes an idempotency key for a request; `caller` is organization and subject, `fingerprint` tells one request
    /// from another.
    pub async fn begin_idempotent(&self, caller: &str, key: &str, fingerprint: Digest) -> Result<Idempotency> {
        let now = Timestamp::now();
        for _ in 0..BEGIN_TRIES {
            let mut write = self.database().write().await?;
            if take(write.connection(), caller, key, fingerprint, now).await? {
                write.commit_quietly().await?;
                if let Err(error) = self.purge_idempotency(now).await {
                    tracing::warn!(%error, "expired idempotency keys were not removed");
                }
                return Ok(Idempotency::New);
            }
            let row = sqlx::query(
                "select fingerprint, status, headers, body from idempotency where caller = $1 and key = $2",
            )
            .bind(caller)
            .bind(key)
            .fetch_optional(write.connection())
            .await?;
            if let Some(row) = row {
                return known(&row, fingerprint);
            }
        }
        Ok(Idempotency::InProgress)
    }

    /// Keeps the answer for 24 h.
    pub async fn finish_idempotent(&self, caller: &str, key: &str, answer: StoredAnswer) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query(
            "update idempotency set status = $3, headers = $4, body = $5, finished_at = $6 \
             where caller = $1 and key = $2 and status is null",
        )
        .bind(caller)
        .bind(key)
        .bind(i64::from(answer.status))
        .bind(json!(answer.headers).to_string())
        .bind(STANDARD.encode(&answer.body))
        .bind(Timestamp::now().as_millis())
        .execute(write.connection())
        .await?;
        write.commit_quietly().await
    }

    /// The request did not come to an answer worth keeping (5xx): the key is free again.
    pub async fn abandon_idempotent(&self, caller: &str, key: &str) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query("delete from idempotency where caller = $1 and key = $2 and status is null")
            .bind(caller)
            .bind(key)
            .execute(write.connection())
            .await?;
        write.commit_quietly().await
    }

    /// Removes a few of the oldest rows that have expired.
    async fn purge_idempotency(&self, now: Timestamp) -> Result<()> {
        let expired_before = now.plus_seconds(-KEEP_SECONDS).as_millis();
        let rows = sqlx::query(
            "select caller, key from idempotency where started_at < $1 and (finished_at is null or finished_at < $1) \
             order by started_at, caller, key limit $2",
        )
        .bind(expired_before)
        .bind(PURGE_ROWS)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        for row in rows {
            // One row in each transaction, so that it never holds one while it waits for another.
            let mut write = self.database().write().await?;
            sqlx::query("delete from idempotency where caller = $1 and key = $2 and started_at < $3")
                .bind(row.try_get::<String, _>("caller")?)
                .bind(row.try_get::<String, _>("key")?)
                .bind(expired_before)
                .execute(write.connection())
                .await?;
            write.commit_quietly().await?;
        }
        Ok(())
    }
}

/// Takes a key that is new, expired or abandoned.
async fn take(
    connection: &mut Connection,
    caller: &str,
    key: &str,
    fingerprint: Digest,
    now: Timestamp,
) -> Result<bool> {
    let taken = sqlx::query(
        "insert into idempotency (caller, key, fingerprint, started_at) values ($1, $2, $3, $4) \
         on conflict (caller, key) do update set fingerprint = excluded.fingerprint, \
         started_at = excluded.started_at, finished_at = null, status = null, headers = null, body = null \
         where (idempotency.status is null and idempotency.started_at < $5) or idempotency.finished_at < $6",
    )
    .bind(caller)
    .bind(key)
    .bind(fingerprint.to_hex())
    .bind(now.as_millis())
    .bind(now.plus_seconds(-ABANDONED_SECONDS).as_millis())
    .bind(now.plus_seconds(-KEEP_SECONDS).as_millis())
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() > 0)
}

fn known(row: &AnyRow, fingerprint: Digest) -> Result<Idempotency> {
    let inconsistent = |what: &dyn std::fmt::Display| {
        RegistryError::Inconsistent(format!("an idempotent request's kept answer: {what}"))
    };
    if row.try_get::<String, _>("fingerprint")? != fingerprint.to_hex() {
        return Ok(Idempotency::Mismatch);
    }
    let Some(status) = row.try_get::<Option<i64>, _>("status")? else { return Ok(Idempotency::InProgress) };
    let headers: String = row.try_get("headers")?;
    let body: String = row.try_get("body")?;
    Ok(Idempotency::Done(StoredAnswer {
        status: u16::try_from(status).map_err(|error| inconsistent(&error))?,
        headers: serde_json::from_str(&headers).map_err(|error| inconsistent(&error))?,
        body: STANDARD.decode(body).map_err(|error| inconsistent(&error))?,
    }))
}
