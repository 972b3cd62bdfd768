//! Removing what nobody needs: artifacts without versions, and files that killed servers left.

use super::references;
use crate::error::Result;
use crate::registry::Registry;
use futures_util::TryStreamExt as _;
use object_store::ObjectMeta;
use servoir_types::{Digest, Timestamp};
use sqlx::Row as _;
use std::time::Duration;

/// Artifacts that are looked at in one query.
const PAGE_ARTIFACTS: i64 = 500;

impl Registry {
    /// Removes artifacts that no version refers to and that are older than the grace time. Says how many.
    pub async fn sweep(&self) -> Result<u64> {
        self.adopt_strays().await?;
        self.sweep_unused().await
    }

    /// What a server that was killed left: uploads in the scratch folder and artifacts that were put and not published.
    /// A failure is only told, because it keeps nobody from serving.
    pub(crate) async fn sweep_at_start(&self) -> Result<()> {
        let grace = Duration::from_secs(self.grace_seconds().unsigned_abs());
        let scratch = self.scratch().clone();
        let age = if self.is_shared() { grace } else { Duration::ZERO };
        let spools = super::spool::blocking(move || scratch.sweep(age)).await;
        if let Err(error) = spools {
            tracing::warn!(%error, "uploads that a killed server left were not removed");
        }
        if !self.is_shared() {
            // No other server has this database, so nobody is publishing or sweeping.
            let mut write = self.database().write().await?;
            sqlx::query("update artifacts set claims = 0, sweeping_since = 0 where claims > 0 or sweeping_since > 0")
                .execute(write.connection())
                .await?;
            write.commit_quietly().await?;
        }
        if let Err(error) = self.sweep_unused().await {
            tracing::warn!(%error, "artifacts that no version refers to were not removed");
        }
        Ok(())
    }

    /// Removes artifacts that just lost a version. A failure is only told: the next sweep tries again.
    pub(crate) async fn sweep_released(&self, digests: &[Digest]) {
        for &digest in digests {
            if let Err(error) = self.sweep_one(digest).await {
                tracing::warn!(%error, %digest, "an artifact that no version refers to was not removed");
            }
        }
    }

    async fn sweep_unused(&self) -> Result<u64> {
        let mut swept = 0;
        let mut after = String::new();
        loop {
            let rows =
                sqlx::query("select digest from artifacts where uses = 0 and digest > $1 order by digest limit $2")
                    .bind(&after)
                    .bind(PAGE_ARTIFACTS)
                    .fetch_all(&mut *self.database().read().await?)
                    .await?;
            let Some(last) = rows.last() else { return Ok(swept) };
            after = last.try_get("digest")?;
            for row in &rows {
                swept += u64::from(self.sweep_one(crate::audit::digest(row, "digest")?).await?);
            }
        }
    }

    /// Removes an artifact if nobody needs it.
    async fn sweep_one(&self, digest: Digest) -> Result<bool> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let stale = now.plus_seconds(-self.grace_seconds());
        if !references::mark(write.connection(), digest, now, stale).await? {
            return Ok(false);
        }
        write.commit_quietly().await?;
        self.store().delete(digest).await?;
        if let Err(error) = tokio::fs::remove_file(self.scratch().cached(digest)).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %digest, "the local copy of a removed artifact stays");
        }
        let mut write = self.database().write().await?;
        references::forget(write.connection(), digest, now).await?;
        write.commit_quietly().await?;
        Ok(true)
    }

    /// Gives a row to each artifact in the store that has none and is older than the grace time: a database that was
    /// restored from a backup may not know what was published since.
    async fn adopt_strays(&self) -> Result<()> {
        let oldest = Timestamp::now().plus_seconds(-self.grace_seconds());
        let mut objects = self.store().list();
        while let Some(object) = objects.try_next().await? {
            let Some(digest) = digest_of(&object) else { continue };
            if object.last_modified.timestamp_millis() > oldest.as_millis() {
                continue;
            }
            let known = sqlx::query("select uses from artifacts where digest = $1")
                .bind(digest.to_hex())
                .fetch_optional(&mut *self.database().read().await?)
                .await?;
            if known.is_none() {
                let mut write = self.database().write().await?;
                sqlx::query(
                    "insert into artifacts (digest, uses, claims, claimed_at, sweeping_since) \
                     values ($1, 0, 0, 0, 0) on conflict (digest) do nothing",
                )
                .bind(digest.to_hex())
                .execute(write.connection())
                .await?;
                write.commit_quietly().await?;
            }
        }
        Ok(())
    }
}

/// The artifact that an object is; `None` for what is none.
fn digest_of(object: &ObjectMeta) -> Option<Digest> {
    object.location.filename()?.parse().ok()
}
