//! The end of a run: its status, its last frame and its audit entry, in one transaction. Whoever comes first ends it.

use super::{Failure, Run, RunStatus};
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::frames::{self, NewFrame};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::{Map, Value, json};
use servoir_types::{RunId, Timestamp};
use sqlx::Row as _;

/// How a run ends.
pub(super) struct End {
    pub(super) status: RunStatus,
    /// The number of the version that it made.
    pub(super) version: Option<i64>,
    pub(super) failure: Option<Failure>,
    /// The last frame.
    pub(super) body: Value,
    /// What the audit says beside the run's id.
    pub(super) said: Map<String, Value>,
}

impl End {
    pub(super) fn failed(failure: Failure) -> Self {
        let body = json!({"type": "failed", "code": failure.code, "message": failure.message});
        let said = object(json!({"code": failure.code, "message": failure.message}));
        Self { status: RunStatus::Failed, version: None, failure: Some(failure), body, said }
    }

    fn cancelled(failure: Option<Failure>) -> Self {
        let said = object(match &failure {
            Some(failure) => json!({"code": failure.code, "message": failure.message}),
            None => json!({}),
        });
        Self { status: RunStatus::Cancelled, version: None, failure, body: json!({"type": "cancelled"}), said }
    }

    const fn action(&self) -> &'static str {
        match self.status {
            RunStatus::Completed => "model.training_completed",
            RunStatus::Cancelled => "model.training_cancelled",
            RunStatus::Queued | RunStatus::Running | RunStatus::Failed => "model.training_failed",
        }
    }
}

impl Registry {
    /// `model.training_failed`.
    pub async fn fail_run(&self, actor: &Actor, run: &Run, failure: Failure) -> Result<()> {
        self.end_run(actor, run, End::failed(failure)).await
    }

    /// `model.training_cancelled`, by a person or, with a reason, by the time limit. What works on the run finds out that
    /// it is no longer wanted.
    pub async fn cancel_run(&self, actor: &Actor, run: &Run, reason: Option<Failure>) -> Result<()> {
        self.end_run(actor, run, End::cancelled(reason)).await
    }

    /// `model.training_completed` of a run that went on elsewhere and made no version here.
    pub async fn complete_external_run(&self, actor: &Actor, run: &Run, metrics: &Map<String, Value>) -> Result<()> {
        let end = End {
            status: RunStatus::Completed,
            version: None,
            failure: None,
            body: json!({"type": "complete", "version_id": null, "metrics": metrics}),
            said: object(json!({"metrics": metrics})),
        };
        self.end_run(actor, run, end).await
    }

    /// Keeps what is known of a run beside its frames, whether it goes on or has ended.
    pub async fn note_run(&self, run: &RunId, details: &Value) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query("update runs set details = $2 where id = $1")
            .bind(run.as_str())
            .bind(details.to_string())
            .execute(write.connection())
            .await?;
        write.commit_quietly().await
    }

    pub(super) async fn end_run(&self, actor: &Actor, run: &Run, end: End) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, &run.model, None, now).await?;
        finish(&mut write, actor, run, end, now).await?;
        write.commit().await
    }
}

/// Ends a run of a touched model, to the audit entry.
pub(super) async fn finish(write: &mut Write, actor: &Actor, run: &Run, end: End, now: Timestamp) -> Result<()> {
    let row = sqlx::query(
        "update runs set status = $2, version = $3, failure_code = $4, failure_message = $5, finished_at = $6, \
         last_frame = last_frame + 1 where id = $1 and status in ('queued', 'running') returning last_frame",
    )
    .bind(run.id.as_str())
    .bind(end.status.text())
    .bind(end.version)
    .bind(end.failure.as_ref().map(|failure| failure.code.clone()))
    .bind(end.failure.as_ref().map(|failure| failure.message.replace('\0', "\u{fffd}")))
    .bind(now.as_millis())
    .fetch_optional(write.connection())
    .await?;
    let Some(row) = row else {
        let status: Option<String> = sqlx::query_scalar("select status from runs where id = $1")
            .bind(run.id.as_str())
            .fetch_optional(write.connection())
            .await?;
        return Err(match status {
            Some(status) => RegistryError::RunEnded { run: run.id.clone(), status },
            None => RegistryError::no_run(Some(&run.id)),
        });
    };
    let action = end.action();
    let kind = end.body["type"].as_str().unwrap_or_default().to_owned();
    let frame = NewFrame { at: now, kind, level: None, body: end.body };
    frames::insert(write.connection(), &run.id, row.try_get("last_frame")?, &[frame]).await?;
    let mut after = object(json!({"run_id": run.id, "status": end.status.text()}));
    after.extend(end.said);
    let before = Some(json!({"run_id": run.id, "status": run.status.text()}));
    let deed = Deed { action, target: run.model.as_str(), before, after: Some(Value::Object(after)) };
    write.record(actor, now, deed).await
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
