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
        let digest = artifact.digest();
        self.claim(digest).await?;
        let prepared = self.prepare(actor, model, &artifact, new).await;
        match prepared {
            // When the commit's answer is lost, the version may exist: the claim is then left to grow stale.
            Ok((write, version)) => write.commit().await.map(|()| version),
            Err(error) => {
                if let Err(release) = self.release(digest).await {
                    tracing::warn!(error = %release, %digest, "a claim on an artifact was not given back");
                }
                self.sweep_released(&[digest]).await;
                Err(error)
            }
        }
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
        let size_bytes = i64::try_from(artifact.size_bytes())
            .map_err(|_| RegistryError::Inconsistent("an artifact is larger than any disk".into()))?;
        let number: i64 = sqlx::query_scalar(
            "update models set versions_made = versions_made + 1, latest_version = versions_made + 1 \
             where id = $1 returning latest_version",
        )
        .bind(model.as_str())
        .fetch_one(write.connection())
        .await?;
        let version = Version {
            model: model.clone(),
            version: number,
            description: new.description,
            metrics: new.metrics,
            format: new.format,
            size_bytes,
            digest: artifact.digest(),
            signature: new.signature,
            state: crate::versions::VersionState::Ready,
            reason: None,
            created_at: now,
            created_by: actor.subject.clone(),
        };
        insert(write.connection(), &version).await?;
        let after = json!({
            "version": number, "description": version.description, "format": version.format,
            "sizeBytes": size_bytes, "sha256": version.digest,
        });
        let deed = Deed { action: "model.version_created", target: model.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        Ok((write, version))
    }

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

    async fn release(&self, digest: Digest) -> Result<()> {
        let mut write = self.database().write().await?;
        references::release(write.connection(), digest).await?;
        write.commit_quietly().await
    }
}
