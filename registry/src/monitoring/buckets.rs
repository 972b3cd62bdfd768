//! Buckets: what was counted of a version in five minutes, by one run of one node.

use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Rows that one statement takes away. Several are run, so that none holds the database for long.
const SWEPT_ROWS: i64 = 1000;

/// What was counted of a version in five minutes, by one run of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: i64,
    /// The baseline whose bins the counts are in; empty when the version had none.
    pub baseline: String,
    /// The first moment of the five minutes.
    pub start: Timestamp,
    /// Unique for each start of a server, so that nobody else writes the row.
    pub node: String,
    /// How many rows were counted.
    pub counted_rows: i64,
    /// Requests, failures and latencies, as JSON.
    pub service: String,
    /// Counts of columns in base64; empty without a baseline.
    pub counts: String,
}

impl Registry {
    /// Writes buckets, each in the place of what was written of it before. Those of versions that are gone are left out.
    pub async fn put_buckets(&self, rows: &[BucketRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut write = self.database().write().await?;
        for row in rows {
            sqlx::query(
                "insert into monitoring_buckets (model, version, baseline, start, node, counted_rows, service, counts) \
                 select model, version, $3, $4, $5, $6, $7, $8 from versions where model = $1 and version = $2 \
                 on conflict (model, version, start, baseline, node) do update set \
                 counted_rows = excluded.counted_rows, service = excluded.service, counts = excluded.counts",
            )
            .bind(row.model.as_str())
            .bind(row.version)
            .bind(row.baseline.as_str())
            .bind(row.start.as_millis())
            .bind(row.node.as_str())
            .bind(row.counted_rows)
            .bind(row.service.as_str())
            .bind(row.counts.as_str())
            .execute(write.connection())
            .await?;
        }
        write.commit_quietly().await
    }

    /// The buckets of a version that begin at `from` or later and before `to`, of all nodes, in the order of their time;
    /// those in the bins of `baseline`, or all of them.
    #[allow(clippy::too_many_arguments)] // which buckets: nothing of it belongs together elsewhere
    pub async fn window_counts(
        &self,
        model: &ModelId,
        version: i64,
        baseline: Option<&str>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<BucketRow>> {
        let rows = sqlx::query(
            "select model, version, baseline, start, node, counted_rows, service, counts from monitoring_buckets \
             where model = $1 and version = $2 and start >= $3 and start < $4 and ($5 is null or baseline = $5) \
             order by start, node, baseline",
        )
        .bind(model.as_str())
        .bind(version)
        .bind(from.as_millis())
        .bind(to.as_millis())
        .bind(baseline)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(bucket).collect()
    }

    /// What the buckets of a version say of requests and latencies, without what they counted: those that begin at `from` or
    /// later and before `to`, of all nodes.
    pub async fn window_services(
        &self,
        model: &ModelId,
        version: i64,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<String>> {
        let rows = sqlx::query_scalar(
            "select service from monitoring_buckets where model = $1 and version = $2 and start >= $3 and start < $4",
        )
        .bind(model.as_str())
        .bind(version)
        .bind(from.as_millis())
        .bind(to.as_millis())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        Ok(rows)
    }

    /// Whether anything of a model was ever counted that is still kept.
    pub async fn was_monitored(&self, model: &ModelId) -> Result<bool> {
        let found = sqlx::query("select version from monitoring_buckets where model = $1 limit 1")
            .bind(model.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        Ok(found.is_some())
    }

    /// Takes away buckets and recordings of before `before`; how many rows that were.
    pub async fn sweep_monitoring(&self, before: Timestamp) -> Result<u64> {
        let mut swept = 0;
        for text in [
            "delete from monitoring_buckets where (model, version, start, baseline, node) in \
             (select model, version, start, baseline, node from monitoring_buckets where start < $1 limit $2)",
            "delete from recordings where (model, version, start, node) in \
             (select model, version, start, node from recordings where start < $1 limit $2)",
        ] {
            loop {
                let mut write = self.database().write().await?;
                let deleted =
                    sqlx::query(text).bind(before.as_millis()).bind(SWEPT_ROWS).execute(write.connection()).await?;
                write.commit_quietly().await?;
                swept += deleted.rows_affected();
                if deleted.rows_affected() < SWEPT_ROWS as u64 {
                    break;
                }
            }
        }
        Ok(swept)
    }
}

fn bucket(row: &AnyRow) -> Result<BucketRow> {
    Ok(BucketRow {
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        version: row.try_get("version")?,
        baseline: row.try_get("baseline")?,
        start: Timestamp::from_millis(row.try_get("start")?),
        node: row.try_get("node")?,
        counted_rows: row.try_get("counted_rows")?,
        service: row.try_get("service")?,
        counts: row.try_get("counts")?,
    })
}
