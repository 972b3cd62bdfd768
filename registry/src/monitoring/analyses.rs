//! Analyses: what windows came to, and whose turn it is to make the next.

use super::{lock_model, model_id, time};
use crate::database::Double;
use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::HashMap;

/// An analysis without its details.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct AnalysisSummary {
    pub version: i64,
    /// `1h`, `6h`, `1d` or `7d`.
    pub window: String,
    /// When it was made.
    pub at: Timestamp,
    pub window_start: Timestamp,
    pub window_end: Timestamp,
    /// `ok`, `warning`, `alert`, `no-data` or `error`.
    pub status: String,
    pub drift_score: Option<f64>,
    /// Rows of the window.
    pub sample_size: i64,
}

/// An analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnalysis {
    /// What lists show of it.
    pub summary: AnalysisSummary,
    /// The whole of it (JSON).
    pub body: String,
}

macro_rules! summary_columns {
    () => {
        "version, window_length, at, window_start, window_end, status, drift_score, sample_size"
    };
}

impl Registry {
    /// Keeps an analysis in the place of those of the same window that were made from `since` on, so that asking often keeps
    /// no more. Of a version that is gone, nothing is kept.
    pub async fn store_analysis(&self, model: &ModelId, analysis: &StoredAnalysis, since: Timestamp) -> Result<()> {
        let StoredAnalysis { summary, body } = analysis;
        let mut write = self.database().write().await?;
        if !lock_model(&mut write, model).await? {
            return Ok(());
        }
        sqlx::query(
            "delete from analyses where model = $1 and version = $2 and window_length = $3 and at >= $4 and at <= $5",
        )
        .bind(model.as_str())
        .bind(summary.version)
        .bind(&summary.window)
        .bind(since.as_millis())
        .bind(summary.at.as_millis())
        .execute(write.connection())
        .await?;
        sqlx::query(
            "insert into analyses (model, version, window_length, at, window_start, window_end, status, drift_score, \
             sample_size, body) select v.model, v.version, $3, $4, $5, $6, $7, $8, $9, $10 from versions v \
             where v.model = $1 and v.version = $2",
        )
        .bind(model.as_str())
        .bind(summary.version)
        .bind(&summary.window)
        .bind(summary.at.as_millis())
        .bind(summary.window_start.as_millis())
        .bind(summary.window_end.as_millis())
        .bind(&summary.status)
        .bind(summary.drift_score.map(Double))
        .bind(summary.sample_size)
        .bind(body)
        .execute(write.connection())
        .await?;
        write.commit_quietly().await
    }

    /// When the newest analysis of each window of a version was made.
    pub async fn newest_analysis_times(&self, model: &ModelId, version: i64) -> Result<HashMap<String, Timestamp>> {
        let rows = sqlx::query(
            "select window_length, max(at) as at from analyses where model = $1 and version = $2 group by window_length",
        )
        .bind(model.as_str())
        .bind(version)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("window_length")?, time(row, "at")?))).collect()
    }

    /// The newest analysis of a window of a version.
    pub async fn newest_analysis(&self, model: &ModelId, version: i64, window: &str) -> Result<Option<StoredAnalysis>> {
        let row = sqlx::query(concat!(
            "select body, ",
            summary_columns!(),
            " from analyses where model = $1 and version = $2 and window_length = $3 order by at desc limit 1"
        ))
        .bind(model.as_str())
        .bind(version)
        .bind(window)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        row.map(|row| Ok(StoredAnalysis { summary: summary(&row)?, body: row.try_get("body")? })).transpose()
    }

    /// The newest analysis of a version, of any window, that was made between two moments, the first included.
    pub async fn last_analysis_between(
        &self,
        model: &ModelId,
        version: i64,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Option<StoredAnalysis>> {
        let row = sqlx::query(concat!(
            "select body, ",
            summary_columns!(),
            " from analyses where model = $1 and version = $2 and at >= $3 and at < $4 \
             order by at desc, window_end - window_start limit 1"
        ))
        .bind(model.as_str())
        .bind(version)
        .bind(from.as_millis())
        .bind(to.as_millis())
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        row.map(|row| Ok(StoredAnalysis { summary: summary(&row)?, body: row.try_get("body")? })).transpose()
    }

    /// When models are analysed next, for those that have had a turn.
    pub async fn analysis_turns(&self) -> Result<HashMap<ModelId, Timestamp>> {
        let rows = sqlx::query("select model, next_at from analysis_turns")
            .fetch_all(&mut *self.database().read().await?)
            .await?;
        rows.iter().map(|row| Ok((model_id(row)?, time(row, "next_at")?))).collect()
    }

    /// Takes the turn to analyse a model, when it has come: of many nodes, one gets it. The next comes at `next`.
    pub async fn take_analysis_turn(&self, model: &ModelId, now: Timestamp, next: Timestamp) -> Result<bool> {
        let mut write = self.database().write().await?;
        if !lock_model(&mut write, model).await? {
            return Ok(false);
        }
        let taken = sqlx::query(
            "insert into analysis_turns (model, next_at) values ($1, $2) \
             on conflict (model) do update set next_at = excluded.next_at where analysis_turns.next_at <= $3",
        )
        .bind(model.as_str())
        .bind(next.as_millis())
        .bind(now.as_millis())
        .execute(write.connection())
        .await?
        .rows_affected();
        write.commit_quietly().await?;
        Ok(taken > 0)
    }

    /// Turns and messages of alerts that lie ahead are due `now`: they were set by a clock that has been put back to it.
    pub async fn clock_was_put_back(&self, now: Timestamp) -> Result<()> {
        let mut write = self.database().write().await?;
        for text in [
            "update analysis_turns set next_at = $1 where next_at > $1",
            "update webhook_deliveries set next_at = $1 where next_at > $1",
        ] {
            sqlx::query(text).bind(now.as_millis()).execute(write.connection()).await?;
        }
        write.commit_quietly().await
    }

    /// Takes away analyses that were made before a moment, and alerts that were over by then.
    pub async fn sweep_findings(&self, before: Timestamp) -> Result<()> {
        for text in
            ["delete from analyses where at < $1", "delete from alerts where status = 'cleared' and cleared_at < $1"]
        {
            let mut write = self.database().write().await?;
            sqlx::query(text).bind(before.as_millis()).execute(write.connection()).await?;
            write.commit_quietly().await?;
        }
        Ok(())
    }
}

fn summary(row: &AnyRow) -> Result<AnalysisSummary> {
    Ok(AnalysisSummary {
        version: row.try_get("version")?,
        window: row.try_get("window_length")?,
        at: time(row, "at")?,
        window_start: time(row, "window_start")?,
        window_end: time(row, "window_end")?,
        status: row.try_get("status")?,
        drift_score: row.try_get("drift_score")?,
        sample_size: row.try_get("sample_size")?,
    })
}
