//! Beginning a run: the queue, and who takes what from it.

use super::{Priority, Run, RunStatus, run, select_runs};
use crate::actor::{Actor, storable};
use crate::audit::Deed;
use crate::error::{RegistryError, Result, is_unique_violation};
use crate::models::{Model, touch};
use crate::registry::Registry;
use serde_json::{Value, json};
use servoir_types::{Digest, ModelId, RunId, Timestamp};
use sqlx::Row as _;

/// What a new run is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewRun {
    /// It goes on elsewhere: it has begun already, and no node takes it.
    pub external: bool,
    pub label: Option<String>,
    pub priority: Priority,
    pub timeout_seconds: i64,
    /// The whole effective configuration.
    pub config: Value,
    /// The linked dataset that the configuration was checked against; an external run may have none.
    pub dataset: Option<String>,
}

impl Registry {
    /// `model.training_started`: the run is queued, or running when it is external. A model that has a run under way is
    /// refused, and one whose dataset is not linked any more.
    pub async fn create_run(&self, actor: &Actor, model: &ModelId, new: NewRun) -> Result<Run> {
        if let Some(label) = &new.label {
            storable("run_label", label)?;
        }
        let now = Timestamp::now();
        let id = RunId::random();
        let mut write = self.database().write().await?;
        if touch(&mut write, actor, model, None, now).await?.archived {
            return Err(RegistryError::ModelArchived(model.clone()));
        }
        let digest = match &new.dataset {
            None => None,
            Some(dataset) => {
                let linked: Option<String> = sqlx::query_scalar(
                    "select d.digest from dataset_links l join datasets d on d.id = l.dataset \
                     where l.model = $1 and l.dataset = $2",
                )
                .bind(model.as_str())
                .bind(dataset)
                .fetch_optional(write.connection())
                .await?;
                Some(linked.ok_or_else(|| RegistryError::NoDataset(model.clone()))?)
            }
        };
        let status = if new.external { RunStatus::Running } else { RunStatus::Queued };
        let begun = new.external.then_some(now.as_millis());
        sqlx::query(
            "insert into runs (id, model, external, status, label, priority, timeout_seconds, config, dataset, \
             dataset_digest, heartbeat_at, last_frame, details, created_by, created_at, started_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '{}', $12, $13, $11)",
        )
        .bind(id.as_str())
        .bind(model.as_str())
        .bind(i64::from(new.external))
        .bind(status.text())
        .bind(&new.label)
        .bind(new.priority as i64)
        .bind(new.timeout_seconds)
        .bind(new.config.to_string())
        .bind(&new.dataset)
        .bind(&digest)
        .bind(begun)
        .bind(&actor.subject)
        .bind(now.as_millis())
        .execute(write.connection())
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => RegistryError::RunInProgress(model.clone()),
            false => error.into(),
        })?;
        let after = json!({
            "run_id": id, "external": new.external, "priority": new.priority.text(), "run_label": new.label,
            "dataset_id": new.dataset, "dataset_sha256": digest, "config": new.config,
        });
        let deed = Deed { action: "model.training_started", target: model.as_str(), before: None, after: Some(after) };
        // As it was made: when this returns, a node may have taken it.
        let made = sqlx::query(select_runs!("where r.id = $1")).bind(id.as_str()).fetch_one(write.connection()).await?;
        write.record(actor, now, deed).await?;
        write.commit().await?;
        run(&made)
    }

    /// Takes the queued run that is next, by priority and then by age, for a node.
    pub async fn claim_run(&self, node: &str) -> Result<Option<Run>> {
        loop {
            let waiting: i64 = sqlx::query_scalar("select count(*) from runs where status = 'queued'")
                .fetch_one(&mut *self.database().read().await?)
                .await?;
            if waiting == 0 {
                return Ok(None);
            }
            let now = Timestamp::now();
            let mut write = self.database().write().await?;
            let claimed: Option<String> = sqlx::query_scalar(
                "update runs set status = 'running', node = $1, heartbeat_at = $2, started_at = $2 \
                 where status = 'queued' and id = (select id from runs where status = 'queued' \
                 order by priority desc, created_at, id limit 1) returning id",
            )
            .bind(node)
            .bind(now.as_millis())
            .fetch_optional(write.connection())
            .await?;
            if let Some(id) = claimed {
                write.commit().await?;
                return self.run_by_id(&RunId::from_text(id)).await.map(Some);
            }
            // Another node has taken the one that was next while this one looked at it.
        }
    }

    /// Says that a node is still there, with its runs.
    pub async fn renew_runs(&self, node: &str) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query("update runs set heartbeat_at = $2 where node = $1 and status = 'running'")
            .bind(node)
            .bind(Timestamp::now().as_millis())
            .execute(write.connection())
            .await?;
        write.commit_quietly().await
    }

    /// The runs that go on at a node: one that is missing was ended by somebody.
    pub async fn runs_of_node(&self, node: &str) -> Result<Vec<RunId>> {
        let rows = sqlx::query("select id from runs where node = $1 and status = 'running'")
            .bind(node)
            .fetch_all(&mut *self.database().read().await?)
            .await?;
        rows.iter().map(|row| Ok(RunId::from_text(row.try_get::<String, _>("id")?))).collect()
    }

    /// The dataset that a model learns from, when one is linked.
    pub async fn linked_for_training(&self, model: &Model) -> Result<RunDataset> {
        let missing = || RegistryError::NoDataset(model.id.clone());
        let linked: Option<String> = sqlx::query_scalar("select dataset from dataset_links where model = $1")
            .bind(model.id.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        self.run_dataset(&model.organization, &linked.ok_or_else(missing)?).await?.ok_or_else(missing)
    }

    /// The bytes that a run is to learn from, and how they are to be read.
    pub async fn run_dataset(&self, organization: &str, dataset: &str) -> Result<Option<RunDataset>> {
        let row = sqlx::query(
            "select format, compression, dialect, columns, digest from datasets where organization = $1 and id = $2",
        )
        .bind(organization)
        .bind(dataset)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let json = |column: &'static str, text: Option<String>| {
            serde_json::from_str(text.as_deref().unwrap_or("null"))
                .map_err(|error| RegistryError::Inconsistent(format!("column {column} of a dataset: {error}")))
        };
        Ok(Some(RunDataset {
            id: dataset.to_owned(),
            format: row.try_get("format")?,
            compression: row.try_get("compression")?,
            dialect: json("dialect", row.try_get("dialect")?)?,
            columns: json("columns", Some(row.try_get("columns")?))?,
            digest: crate::audit::digest(&row, "digest")?,
        }))
    }
}

/// A dataset as its row describes it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct RunDataset {
    pub id: String,
    pub format: String,
    pub compression: Option<String>,
    pub dialect: Value,
    pub columns: Value,
    pub digest: Digest,
}
