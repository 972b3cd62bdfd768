//! What this installation signs: links to a version's files, with the entry that each leaves, and ids of predictions.

use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::error::Result;
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{Digest, ModelId, Secret, Timestamp, random_token};

/// 330 bits of randomness.
const SECRET_CHARS: usize = 64;
/// What a secret is for.
const DOWNLOADS: &str = "downloads";
const PREDICTIONS: &str = "predictions";

impl Registry {
    /// What links to files are signed with; made once, shared by all nodes.
    pub async fn download_secret(&self) -> Result<Secret> {
        self.signing_secret(DOWNLOADS).await
    }

    /// What ids of predictions are sealed with; made once, shared by all nodes.
    pub async fn prediction_secret(&self) -> Result<Secret> {
        self.signing_secret(PREDICTIONS).await
    }

    async fn signing_secret(&self, purpose: &'static str) -> Result<Secret> {
        let known: Option<String> = sqlx::query_scalar("select secret from signing_keys where purpose = $1")
            .bind(purpose)
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        if let Some(known) = known {
            return Ok(Secret::new(known));
        }
        let mut write = self.database().write().await?;
        let secret = secret(&mut write, purpose).await?;
        write.commit_quietly().await?;
        Ok(secret)
    }

    /// Whether a version, or what else is kept, still has these bytes. What is deleted is gone at once, though its bytes
    /// may be swept later.
    pub async fn is_artifact_kept(&self, digest: Digest) -> Result<bool> {
        let uses: Option<i64> = sqlx::query_scalar("select uses from artifacts where digest = $1")
            .bind(digest.to_hex())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        Ok(uses.is_some_and(|uses| uses > 0))
    }

    /// `model.artifact_downloaded`: somebody is given a link to a version's file. Gives what to sign it with.
    pub async fn link_artifact(
        &self,
        actor: &Actor,
        model: &ModelId,
        (version, file): (i64, &str),
        expires_at: Timestamp,
    ) -> Result<Secret> {
        let mut write = self.database().write().await?;
        let secret = secret(&mut write, DOWNLOADS).await?;
        let after = json!({ "version": version, "file": file, "expiresAt": expires_at });
        let deed =
            Deed { action: "model.artifact_downloaded", target: model.as_str(), before: None, after: Some(after) };
        write.record(actor, Timestamp::now(), deed).await?;
        write.commit_quietly().await?;
        Ok(secret)
    }
}

async fn secret(write: &mut Write, purpose: &str) -> Result<Secret> {
    sqlx::query(
        "insert into signing_keys (purpose, secret, created_at) values ($1, $2, $3) on conflict (purpose) do nothing",
    )
    .bind(purpose)
    .bind(random_token(SECRET_CHARS))
    .bind(Timestamp::now().as_millis())
    .execute(write.connection())
    .await?;
    let secret: String = sqlx::query_scalar("select secret from signing_keys where purpose = $1")
        .bind(purpose)
        .fetch_one(write.connection())
        .await?;
    Ok(Secret::new(secret))
}
