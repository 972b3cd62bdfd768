//! The end of a run that made a version: artifacts, version, how it came to be, what it is worth, and the run's end; all
//! of it or nothing.

use super::finish::{End, finish, object};
use super::{Run, RunStatus};
use crate::actor::Actor;
use crate::artifacts::{StagedArtifact, references};
use crate::database::Write;
use crate::error::Result;
use crate::models::touch;
use crate::publish::{NewRow, add_version};
use crate::registry::Registry;
use crate::versions::{NewVersion, Version};
use serde_json::{Map, Value, json};
use servoir_types::{BaselineId, Digest, Timestamp, VersionId};

/// A version's artifact in another form.
pub struct TrainedFile {
    /// Such as `xgboost`.
    pub format: String,
    /// Its bytes.
    pub artifact: StagedArtifact,
}

/// What a run made.
pub struct TrainedVersion {
    /// The model as ONNX.
    pub artifact: StagedArtifact,
    /// The learner's own form of it.
    pub native: Option<TrainedFile>,
    /// The version's own fields.
    pub new: NewVersion,
    /// Which learner won.
    pub algorithm: String,
    /// Every one, defaults filled in.
    pub hyperparameters: Map<String, Value>,
    /// Of the run, in milliseconds.
    pub duration_ms: i64,
    /// By split: what evaluation found.
    pub evaluations: Vec<(String, Value)>,
    /// The profile that what the version is asked is compared with.
    pub baseline: Option<Value>,
    /// What is kept of the run beside its frames.
    pub details: Value,
}

impl Registry {
    /// `model.training_completed`: the version with everything that belongs to it, and the run's end. It is promoted when
    /// the model has no promoted version. A run that was cancelled in the meantime leaves nothing. What has failed can be tried
    /// again with the same.
    pub async fn complete_run(&self, run: &Run, trained: &TrainedVersion) -> Result<Version> {
        self.commit_with(digests(trained), self.prepare_completion(run, trained)).await
    }

    /// Puts the artifacts and does everything of the transaction but its commit.
    async fn prepare_completion(&self, run: &Run, trained: &TrainedVersion) -> Result<(Write, Version)> {
        for artifact in artifacts(trained) {
            self.store().put(artifact).await?;
        }
        let actor = Actor::system(&run.organization);
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, &actor, &run.model, None, now).await?;
        for digest in digests(trained) {
            references::claim_to_use(write.connection(), digest).await?;
        }
        let row = NewRow {
            model: &run.model,
            artifact: &trained.artifact,
            new: trained.new.clone(),
            created_by: &run.created_by,
            now,
        };
        let version = add_version(&mut write, row).await?;
        insert_origin(&mut write, run, trained, version.version).await?;
        insert_findings(&mut write, run, trained, (version.version, now)).await?;
        let promoted =
            sqlx::query("update studio_models set promoted_version = $2 where model = $1 and promoted_version is null")
                .bind(run.model.as_str())
                .bind(version.version)
                .execute(write.connection())
                .await?;
        let id = VersionId { model: run.model.clone(), number: version.version }.to_string();
        let end = End {
            status: RunStatus::Completed,
            version: Some(version.version),
            failure: None,
            body: json!({"type": "complete", "version_id": id, "metrics": version.metrics}),
            said: object(json!({
                "version_id": id, "version": version.version, "sha256": version.digest,
                "algorithm": trained.algorithm, "promoted": promoted.rows_affected() > 0,
            })),
        };
        finish(&mut write, &actor, run, end, now).await?;
        // Whoever hears of the end finds nothing half-made any more. The store has the artifacts, and keeps them while they are
        // claimed: a commit that fails can be tried again without their files.
        artifacts(trained).for_each(StagedArtifact::unlink);
        Ok((write, version))
    }
}

fn artifacts(trained: &TrainedVersion) -> impl Iterator<Item = &StagedArtifact> {
    std::iter::once(&trained.artifact).chain(trained.native.iter().map(|file| &file.artifact))
}

/// In the order in which every transaction locks artifacts, so that no two wait for one another.
fn digests(trained: &TrainedVersion) -> Vec<Digest> {
    let mut digests: Vec<_> = artifacts(trained).map(StagedArtifact::digest).collect();
    digests.sort_unstable();
    digests
}

/// How the version came to be, and its other forms.
async fn insert_origin(write: &mut Write, run: &Run, trained: &TrainedVersion, version: i64) -> Result<()> {
    sqlx::query("update runs set details = $2 where id = $1")
        .bind(run.id.as_str())
        .bind(trained.details.to_string())
        .execute(write.connection())
        .await?;
    sqlx::query(
        "insert into trainings (model, version, run, algorithm, hyperparameters, config, dataset, dataset_digest, \
         duration_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(run.model.as_str())
    .bind(version)
    .bind(run.id.as_str())
    .bind(&trained.algorithm)
    .bind(json!(trained.hyperparameters).to_string())
    .bind(run.config.to_string())
    .bind(&run.dataset)
    .bind(run.dataset_digest.map(|digest| digest.to_hex()))
    .bind(trained.duration_ms)
    .execute(write.connection())
    .await?;
    let Some(file) = &trained.native else { return Ok(()) };
    sqlx::query("insert into version_files (model, version, format, size_bytes, digest) values ($1, $2, $3, $4, $5)")
        .bind(run.model.as_str())
        .bind(version)
        .bind(&file.format)
        .bind(i64::try_from(file.artifact.size_bytes()).unwrap_or(i64::MAX))
        .bind(file.artifact.digest().to_hex())
        .execute(write.connection())
        .await?;
    Ok(())
}

/// What the version is worth, and what later traffic is compared with.
async fn insert_findings(
    write: &mut Write,
    run: &Run,
    trained: &TrainedVersion,
    (version, now): (i64, Timestamp),
) -> Result<()> {
    for (split, body) in &trained.evaluations {
        write.insert_evaluation((&run.model, version), (split, body), now).await?;
    }
    let Some(baseline) = &trained.baseline else { return Ok(()) };
    sqlx::query(
        "insert into baselines (id, model, version, source, row_count, body, active, created_by, created_at) \
         values ($1, $2, $3, 'training', $4, $5, 1, $6, $7)",
    )
    .bind(BaselineId::random().as_str())
    .bind(run.model.as_str())
    .bind(version)
    .bind(baseline["rows"].as_i64().unwrap_or_default())
    .bind(baseline.to_string())
    .bind(&run.created_by)
    .bind(now.as_millis())
    .execute(write.connection())
    .await?;
    Ok(())
}
