//! What runs have said: frames, numbered from 1 without a gap, stored before anybody is told.

use crate::database::{Connection, Write};
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use serde_json::Value;
use servoir_types::{RunId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

/// The most frames that are appended in one transaction.
pub const FRAMES_PER_APPEND_MAX: usize = 200;
/// A frame's columns are so many parameters.
const FRAME_PARAMETERS: usize = 6;

/// A frame that is yet to be numbered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFrame {
    /// When it was said.
    pub at: Timestamp,
    /// `progress`, `metrics`, `log`, `complete`, `failed` or `cancelled`.
    pub kind: String,
    /// Of a line of the log, from 0 (debug) to 3 (error).
    pub level: Option<i64>,
    /// The event as JSON.
    pub body: Value,
}

/// A frame as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// From 1, without gaps.
    pub sequence: i64,
    /// When it was said.
    pub at: Timestamp,
    /// As [`NewFrame::kind`].
    pub kind: String,
    /// The event as JSON.
    pub body: Value,
}

/// Which lines of a run's log.
#[derive(Debug, Clone, Copy)]
pub struct LogFilter {
    /// This loud or louder, from 0 to 3.
    pub level_min: i64,
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
    /// Counted from the end; the lines still come in their order.
    pub from_end: bool,
}

impl Registry {
    /// Appends frames to a run that goes on, all or none, and says what the first one's number is. It also says that the
    /// run is alive. With `after`, only when that is the newest frame: a writer that does not know whether an append took
    /// place finds out by trying again. `details` take the place of those kept so far.
    ///
    /// A run that has ended, or is gone, is [`RegistryError::RunEnded`] or not found.
    pub async fn append_frames(
        &self,
        run: &RunId,
        after: Option<i64>,
        frames: &[NewFrame],
        details: Option<&Value>,
    ) -> Result<i64> {
        let mut write = self.database().write().await?;
        let count = i64::try_from(frames.len()).unwrap_or(i64::MAX);
        let row = sqlx::query(
            "update runs set last_frame = last_frame + $2, heartbeat_at = $3, details = coalesce($4, details) \
             where id = $1 and status = 'running' and ($5 is null or last_frame = $5) returning last_frame",
        )
        .bind(run.as_str())
        .bind(count)
        .bind(Timestamp::now().as_millis())
        .bind(details.map(Value::to_string))
        .bind(after)
        .fetch_optional(write.connection())
        .await?;
        let Some(row) = row else { return Err(refusal(&mut write, run).await?) };
        let first = row.try_get::<i64, _>("last_frame")? - count + 1;
        for (index, chunk) in frames.chunks(FRAMES_PER_APPEND_MAX).enumerate() {
            let begin = first + i64::try_from(index * FRAMES_PER_APPEND_MAX).unwrap_or(i64::MAX);
            insert(write.connection(), run, begin, chunk).await?;
        }
        write.commit_quietly().await?;
        Ok(first)
    }

    /// At most `limit` frames of a run after the one with the number `after`, in their order.
    pub async fn frames(&self, run: &RunId, after: i64, limit: i64) -> Result<Vec<Frame>> {
        let rows = sqlx::query(
            "select sequence, at, kind, body from run_frames where run = $1 and sequence > $2 order by sequence limit $3",
        )
        .bind(run.as_str())
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(frame).collect()
    }

    /// The number of a run's newest frame, and whether it has ended.
    pub async fn last_frame(&self, run: &RunId) -> Result<(i64, bool)> {
        let row = sqlx::query("select last_frame, finished_at from runs where id = $1")
            .bind(run.as_str())
            .fetch_optional(&mut *self.database().read().await?)
            .await?
            .ok_or_else(|| RegistryError::no_run(Some(run)))?;
        Ok((row.try_get("last_frame")?, row.try_get::<Option<i64>, _>("finished_at")?.is_some()))
    }

    /// Lines of a run's log in their order, and how many there are of this level or louder.
    pub async fn run_log(&self, run: &RunId, filter: LogFilter) -> Result<(i64, Vec<Frame>)> {
        let mut connection = self.database().read().await?;
        let total: i64 = sqlx::query_scalar("select count(*) from run_frames where run = $1 and level >= $2")
            .bind(run.as_str())
            .bind(filter.level_min)
            .fetch_one(&mut *connection)
            .await?;
        let text = if filter.from_end {
            "select sequence, at, kind, body from run_frames where run = $1 and level >= $2 \
             order by sequence desc limit $3 offset $4"
        } else {
            "select sequence, at, kind, body from run_frames where run = $1 and level >= $2 \
             order by sequence limit $3 offset $4"
        };
        let rows = sqlx::query(text)
            .bind(run.as_str())
            .bind(filter.level_min)
            .bind(filter.limit)
            .bind(filter.offset)
            .fetch_all(&mut *connection)
            .await?;
        let mut lines: Vec<Frame> = rows.iter().map(frame).collect::<Result<_>>()?;
        if filter.from_end {
            lines.reverse();
        }
        Ok((total, lines))
    }
}

/// Writes frames that have their numbers.
pub(crate) async fn insert(connection: &mut Connection, run: &RunId, first: i64, frames: &[NewFrame]) -> Result<()> {
    if frames.is_empty() {
        return Ok(());
    }
    let mut text = String::from("insert into run_frames (run, sequence, at, kind, level, body) values ");
    for row in 0..frames.len() {
        let parameters: Vec<_> = (1..=FRAME_PARAMETERS).map(|n| format!("${}", row * FRAME_PARAMETERS + n)).collect();
        text.push_str(if row == 0 { "(" } else { ", (" });
        text.push_str(&parameters.join(", "));
        text.push(')');
    }
    // Put together from numbers alone; every value is a parameter.
    let mut query = sqlx::query(AssertSqlSafe(text));
    for (sequence, frame) in (first..).zip(frames) {
        query = query
            .bind(run.as_str().to_owned())
            .bind(sequence)
            .bind(frame.at.as_millis())
            .bind(frame.kind.clone())
            .bind(frame.level)
            .bind(frame.body.to_string());
    }
    query.execute(connection).await?;
    Ok(())
}

/// Why a run takes no frames.
async fn refusal(write: &mut Write, run: &RunId) -> Result<RegistryError> {
    let row = sqlx::query("select status, last_frame from runs where id = $1")
        .bind(run.as_str())
        .fetch_optional(write.connection())
        .await?;
    let Some(row) = row else { return Ok(RegistryError::no_run(Some(run))) };
    let status: String = row.try_get("status")?;
    Ok(match status.as_str() {
        "running" => RegistryError::Stale { current: row.try_get("last_frame")? },
        _ => RegistryError::RunEnded { run: run.clone(), status },
    })
}

fn frame(row: &AnyRow) -> Result<Frame> {
    let body: String = row.try_get("body")?;
    Ok(Frame {
        sequence: row.try_get("sequence")?,
        at: Timestamp::from_millis(row.try_get("at")?),
        kind: row.try_get("kind")?,
        body: serde_json::from_str(&body)
            .map_err(|error| RegistryError::Inconsistent(format!("column body of a frame: {error}")))?,
    })
}
