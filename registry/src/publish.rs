//! Publishing a version: the artifact, durable in the store, and its row; both or neither.

use crate::actor::{Actor, storable};
use crate::artifacts::{StagedArtifact, references};
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use crate::versions::{NewVersion, Version, insert};
use serde_json::json;
use servoir_types::{Digest, ModelId, Timestamp};
use std::time::Duration;

/// How long a publish waits for a sweep of the same artifact to end.
const SWEEP_WAITS_MAX: usize = 100;
const SWEEP_WAIT: Duration = Duration::from_millis(100);

impl Registry {
    /// `model.version_created`: the artifact, durable in the store, and its row, ready; both or neither.
    pub async fn publish(
        &self,
        actor: &Actor,
        model: &ModelId,
        artifact: StagedArtifact,
        new: NewVersion,
    ) -> Result<Version> {
        storable("description", &new.description)?;
        storable("format", &new.format)?;
        // A model that is not there is found out before the artifact travels to a store far away.
        self.model(&actor.organization, model.as_str()).await?;
        self.commit_with(vec![artifact.digest()], self.prepare(actor, model, &artifact, new)).await
    }

    /// Puts the artifact and does everything of the transaction but its commit.
    async fn prepare(
        &self,
        actor: &Actor,
        model: &ModelId,
        artifact: &StagedArtifact,
        new: NewVersion,
    ) -> Result<(Write, Version)> {
        self.store().put(artifact).await?;
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        references::claim_to_use(write.connection(), artifact.digest()).await?;
        let version = add_version(&mut write, NewRow { model, artifact, new, created_by: &actor.subject, now }).await?;
        let after = json!({
            "version": version.version, "description": version.description, "format": version.format,
            "sizeBytes": version.size_bytes, "sha256": version.digest,
        });
        let deed = Deed { action: "model.version_created", target: model.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        Ok((write, version))
    }

    /// Claims artifacts, lets `prepare` put them and do everything of a transaction but its commit, and commits. What came to
    /// nothing gives the claims back.
    pub(crate) async fn commit_with<T>(
        &self,
        digests: Vec<Digest>,
        prepare: impl Future<Output = Result<(Write, T)>>,
    ) -> Result<T> {
        let mut claimed = Vec::with_capacity(digests.len());
        let prepared = async {
            for digest in digests {
                self.claim(digest).await?;
                claimed.push(digest);
            }
            prepare.await
        };
        match prepared.await {
            // When the commit's answer is lost, what was made may exist: the claims are then left to grow stale.
            Ok((write, made)) => write.commit().await.map(|()| made),
            Err(error) => {
                self.give_back(&claimed).await;
                Err(error)
            }
        }
    }

    /// Claims an artifact that is about to be put. A sweep of it that is under way is waited for.
    async fn claim(&self, digest: Digest) -> Result<()> {
        for _ in 0..SWEEP_WAITS_MAX {
            let now = Timestamp::now();
            let mut write = self.database().write().await?;
            let stale = now.plus_seconds(-self.grace_seconds());
            if references::claim(write.connection(), digest, now, stale).await? {
                return write.commit_quietly().await;
            }
            drop(write);
            tokio::time::sleep(SWEEP_WAIT).await;
        }
        Err(RegistryError::Store("the same artifact is being removed; try again later".into()))
    }

    /// Gives back claims on artifacts that came to nothing. A failure is only told: the claim grows stale.
    async fn give_back(&self, digests: &[Digest]) {
        for &digest in digests {
            if let Err(error) = self.release(digest).await {
                tracing::warn!(%error, %digest, "a claim on an artifact was not given back");
            }
        }
        self.sweep_released(digests).await;
    }

    async fn release(&self, digest: Digest) -> Result<()> {
        let mut write = self.database().write().await?;
        references::release(write.connection(), digest).await?;
        write.commit_quietly().await
    }
}

/// A version that is yet to get its number.
pub(crate) struct NewRow<'a> {
    pub(crate) model: &'a ModelId,
    pub(crate) artifact: &'a StagedArtifact,
    pub(crate) new: NewVersion,
    pub(crate) created_by: &'a str,
    pub(crate) now: Timestamp,
}

/// Gives a touched model its next version, ready, whose artifact's use has been counted.
pub(crate) async fn add_version(write: &mut Write, row: NewRow<'_>) -> Result<Version> {
    let size_bytes = i64::try_from(row.artifact.size_bytes())
        .map_err(|_| RegistryError::Inconsistent("an artifact is larger than any disk".into()))?;
    let number: i64 = sqlx::query_scalar(
        "update models set versions_made = versions_made + 1, latest_version = versions_made + 1 \
         where id = $1 returning latest_version",
    )
    .bind(row.model.as_str())
    .fetch_one(write.connection())
    .await?;
    let version = Version {
        model: row.model.clone(),
        version: number,
        description: row.new.description,
        metrics: row.new.metrics,
        format: row.new.format,
        size_bytes,
        digest: row.artifact.digest(),
        signature: row.new.signature,
        state: crate::versions::VersionState::Ready,
        reason: None,
        created_at: row.now,
        created_by: row.created_by.to_owned(),
    };
    insert(write.connection(), &version).await?;
    Ok(version)
}
