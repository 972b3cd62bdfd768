//! Recordings: samples of the rows that a version was asked, an hour each, by one run of one node.

use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A sample of the rows that a version was asked in an hour, by one run of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRow {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: i64,
    /// The first moment of the hour.
    pub start: Timestamp,
    /// Unique for each start of a server, so that nobody else writes the row.
    pub node: String,
    /// How many rows the sample was drawn from.
    pub seen_rows: i64,
    /// How many rows it has.
    pub kept_rows: i64,
    /// The rows.
    pub body: String,
}

impl Registry {
    /// Writes a recording in the place of what was written of it before; nothing when the version is gone.
    pub async fn put_recording(&self, row: &RecordingRow) -> Result<()> {
        let mut write = self.database().write().await?;
        sqlx::query(
            "insert into recordings (model, version, start, node, seen_rows, kept_rows, body) \
             select model, version, $3, $4, $5, $6, $7 from versions where model = $1 and version = $2 \
             on conflict (model, version, start, node) do update set \
             seen_rows = excluded.seen_rows, kept_rows = excluded.kept_rows, body = excluded.body",
        )
        .bind(row.model.as_str())
        .bind(row.version)
        .bind(row.start.as_millis())
        .bind(row.node.as_str())
        .bind(row.seen_rows)
        .bind(row.kept_rows)
        .bind(row.body.as_str())
        .execute(write.connection())
        .await?;
        write.commit_quietly().await
    }

    /// The recordings of a version that begin at `from` or later and before `to`, of all nodes, in the order of their time.
    pub async fn recordings(
        &self,
        model: &ModelId,
        version: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<RecordingRow>> {
        let rows = sqlx::query(
            "select model, version, start, node, seen_rows, kept_rows, body from recordings \
             where model = $1 and version = $2 and start >= $3 and start < $4 order by start, node",
        )
        .bind(model.as_str())
        .bind(version)
        .bind(from.as_millis())
        .bind(to.as_millis())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(recording).collect()
    }
}

fn recording(row: &AnyRow) -> Result<RecordingRow> {
    Ok(RecordingRow {
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        version: row.try_get("version")?,
        start: Timestamp::from_millis(row.try_get("start")?),
        node: row.try_get("node")?,
        seen_rows: row.try_get("seen_rows")?,
        kept_rows: row.try_get("kept_rows")?,
        body: row.try_get("body")?,
    })
}
