//! Runs of training: one at a time for a model, here or elsewhere, from the queue to their last frame.
//!
//! What a run says is in [`crate::frames`]. Every change of a run's status is one guarded statement with the frame and the
//! audit entry that belong to it in the same transaction, so that of two who end a run only one does.

mod finish;
mod interrupted;
mod publish;
mod queue;

use crate::actor::{Page, Window};
use crate::audit::digest;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use crate::studio::words;
pub use interrupted::Silences;
pub use publish::{TrainedFile, TrainedVersion};
pub use queue::{NewRun, RunDataset};
use serde_json::Value;
use servoir_types::{Digest, ModelId, RunId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A run.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Run {
    pub id: RunId,
    pub model: ModelId,
    pub organization: String,
    /// Whether it goes on elsewhere and is fed from there.
    pub external: bool,
    pub status: RunStatus,
    pub label: Option<String>,
    pub priority: Priority,
    /// How long it may take; an external run, how long it may be silent.
    pub timeout_seconds: i64,
    /// The whole effective configuration.
    pub config: Value,
    pub dataset: Option<String>,
    pub dataset_digest: Option<Digest>,
    /// Which node runs it.
    pub node: Option<String>,
    /// The number of its newest frame; 0 when it has none.
    pub last_frame: i64,
    /// The version that it made.
    pub version: Option<i64>,
    /// Why it failed, or was cancelled by something other than a person.
    pub failure: Option<Failure>,
    /// What is kept of it beside its frames: leaderboard, stage times, peak memory.
    pub details: Value,
    pub created_by: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// Why a run did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable, kebab-case.
    pub code: String,
    /// For a person.
    pub message: String,
}

words! {
    /// Where a run is in its life.
    RunStatus of "status of a run" {
        Queued = "queued",
        Running = "running",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    /// Which of the queued runs goes first: the greatest.
    Priority of "priority of a run" { Low = "low", Normal = "normal", High = "high" }
}

impl RunStatus {
    /// Whether it has not ended.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

#[allow(clippy::derivable_impls)] // the macro that makes the words has no place for a default
impl Default for Priority {
    fn default() -> Self {
        Self::Normal
    }
}

impl Priority {
    fn from_number(number: i64) -> Result<Self> {
        let known = Self::ALL.iter().find(|(_, priority)| *priority as i64 == number);
        known
            .map(|(_, priority)| *priority)
            .ok_or_else(|| RegistryError::Inconsistent(format!("{number} is no priority of a run")))
    }
}

/// A run's columns with its organization, in every statement that reads runs.
macro_rules! select_runs {
    ($($rest:literal),+) => {
        concat!(
            "select r.id, r.model, m.organization, r.external, r.status, r.label, r.priority, r.timeout_seconds, \
             r.config, r.dataset, r.dataset_digest, r.node, r.last_frame, r.version, r.failure_code, \
             r.failure_message, r.details, r.created_by, r.created_at, r.started_at, r.finished_at \
             from runs r join models m on m.id = r.model ",
            $($rest),+
        )
    };
}
use select_runs;

impl Registry {
    /// A page of a model's runs, newest first.
    pub async fn runs(&self, organization: &str, model: &ModelId, window: Window) -> Result<Page<Run>> {
        let mut connection = self.database().read().await?;
        let total = sqlx::query_scalar(
            "select count(*) from runs r join models m on m.id = r.model where m.organization = $1 and r.model = $2",
        )
        .bind(organization)
        .bind(model.as_str())
        .fetch_one(&mut *connection)
        .await?;
        let rows = sqlx::query(select_runs!(
            "where m.organization = $1 and r.model = $2 order by r.created_at desc, r.id desc limit $3 offset $4"
        ))
        .bind(organization)
        .bind(model.as_str())
        .bind(window.limit)
        .bind(window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total, items: rows.iter().map(run).collect::<Result<_>>()? })
    }

    /// One run of a model; without an id the latest.
    pub async fn run(&self, organization: &str, model: &ModelId, id: Option<&RunId>) -> Result<Run> {
        let row = sqlx::query(select_runs!(
            "where m.organization = $1 and r.model = $2 and ($3 is null or r.id = $3) \
             order by r.created_at desc, r.id desc limit 1"
        ))
        .bind(organization)
        .bind(model.as_str())
        .bind(id.map(RunId::as_str))
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        run(&row.ok_or_else(|| RegistryError::no_run(id))?)
    }

    /// A run by its id alone, for those who run it.
    pub async fn run_by_id(&self, id: &RunId) -> Result<Run> {
        let row = sqlx::query(select_runs!("where r.id = $1"))
            .bind(id.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        run(&row.ok_or_else(|| RegistryError::no_run(Some(id)))?)
    }
}

fn run(row: &AnyRow) -> Result<Run> {
    let json = |column: &'static str| -> Result<Value> {
        let text: String = row.try_get(column)?;
        serde_json::from_str(&text)
            .map_err(|error| RegistryError::Inconsistent(format!("column {column} of a run: {error}")))
    };
    let time = |column: &'static str| -> Result<Option<Timestamp>> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
    };
    let failure: Option<String> = row.try_get("failure_code")?;
    let has_digest = row.try_get::<Option<String>, _>("dataset_digest")?.is_some();
    Ok(Run {
        id: RunId::from_text(row.try_get::<String, _>("id")?),
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        organization: row.try_get("organization")?,
        external: row.try_get::<i64, _>("external")? == 1,
        status: RunStatus::from_text(&row.try_get::<String, _>("status")?)?,
        label: row.try_get("label")?,
        priority: Priority::from_number(row.try_get("priority")?)?,
        timeout_seconds: row.try_get("timeout_seconds")?,
        config: json("config")?,
        dataset: row.try_get("dataset")?,
        dataset_digest: if has_digest { Some(digest(row, "dataset_digest")?) } else { None },
        node: row.try_get("node")?,
        last_frame: row.try_get("last_frame")?,
        version: row.try_get("version")?,
        failure: match failure {
            Some(code) => {
                let message: Option<String> = row.try_get("failure_message")?;
                Some(Failure { code, message: message.unwrap_or_default() })
            }
            None => None,
        },
        details: json("details")?,
        created_by: row.try_get("created_by")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        started_at: time("started_at")?,
        finished_at: time("finished_at")?,
    })
}
