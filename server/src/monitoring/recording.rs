//! Recordings: a sample of the rows that a version is asked in an hour on this node, when its settings ask for one.

use super::random::Random;
use crate::error::ApiError;
use servoir_monitor::recording::{Recorded, RecordingPlan, Reservoir};
use servoir_registry::{RecordingRow, Registry, RegistryError};
use servoir_types::{ModelId, Signature, Tensor, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a recording goes on, in milliseconds.
const HOUR_MILLIS: i64 = 3_600_000;
/// How often a recording that goes on is written.
const WRITE_SECONDS: i64 = 60;

/// The sample of a version on this node. Threads share it: once it is full, few rows get in, and only for those a thread
/// takes the lock.
pub struct Recording {
    model: ModelId,
    version: i64,
    plan: RecordingPlan,
    reservoir: Mutex<Reservoir>,
    /// The reservoir's limit, to be looked at without its lock: the bits of a double.
    limit: AtomicU64,
    /// Rows that were seen since the reservoir was last told.
    seen: AtomicU64,
    written: Mutex<Progress>,
}

/// How far a recording was written.
struct Progress {
    hour: Timestamp,
    at: Timestamp,
    seen: u64,
}

impl Recording {
    /// Of a version, of at most `rows_max` rows an hour.
    pub fn new((model, version): (&ModelId, i64), signature: &Signature, rows_max: u32) -> Self {
        let now = Timestamp::now();
        Self {
            model: model.clone(),
            version,
            plan: RecordingPlan::of(signature),
            reservoir: Mutex::new(Reservoir::new(rows_max as usize)),
            limit: AtomicU64::new(1f64.to_bits()),
            seen: AtomicU64::new(0),
            written: Mutex::new(Progress { hour: hour_start(now), at: now, seen: 0 }),
        }
    }

    /// Whether this is the recording of a version.
    pub fn is_of(&self, model: &ModelId, version: i64) -> bool {
        self.model == *model && self.version == version
    }

    /// Changes the size.
    pub fn resize(&self, rows_max: u32) {
        let mut reservoir = self.lock();
        reservoir.resize(rows_max as usize);
        self.limit.store(reservoir.limit().to_bits(), Ordering::Relaxed);
    }

    /// Draws for each row of a request.
    pub fn draw(&self, random: &mut Random, tensors: (&[Tensor], &[Tensor]), rows: usize) {
        self.seen.fetch_add(rows as u64, Ordering::Relaxed);
        for row in 0..rows {
            let draw = random.uniform();
            if draw < f64::from_bits(self.limit.load(Ordering::Relaxed)) {
                let mut reservoir = self.lock();
                reservoir.add(draw, &self.plan, tensors, row);
                self.limit.store(reservoir.limit().to_bits(), Ordering::Relaxed);
            }
        }
    }

    /// Whether its hour is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        hour_start(now) > self.written.lock().unwrap_or_else(PoisonError::into_inner).hour
    }

    /// What is to be written now: when the hour is over, when it was not for a while, or when `asked`. What was drawn
    /// after the hour's end counts to it.
    pub fn unwritten(&self, now: Timestamp, asked: bool) -> Option<RecordingRow> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = hour_start(now) > written.hour;
        // A clock that was put back makes none wait for as long.
        let was_lately = (written.at..written.at.plus_seconds(WRITE_SECONDS)).contains(&now);
        if !is_over && !asked && was_lately {
            return None;
        }
        let recorded = {
            let mut reservoir = self.lock();
            reservoir.saw(self.seen.swap(0, Ordering::Relaxed));
            let recorded = (reservoir.seen() > written.seen).then(|| Recorded::of(&self.plan, &reservoir));
            if is_over {
                reservoir.restart();
                self.limit.store(reservoir.limit().to_bits(), Ordering::Relaxed);
            }
            recorded
        };
        let start = written.hour;
        let seen = if is_over { 0 } else { recorded.as_ref().map_or(written.seen, |recorded| recorded.seen) };
        *written = Progress { hour: written.hour.max(hour_start(now)), at: now, seen };
        let recorded = recorded?;
        Some(RecordingRow {
            model: self.model.clone(),
            version: self.version,
            start,
            node: String::new(),
            seen_rows: i64::try_from(recorded.seen).unwrap_or(i64::MAX),
            kept_rows: i64::try_from(recorded.rows()).unwrap_or(i64::MAX),
            body: String::from_utf8(recorded.to_json()).unwrap_or_default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Reservoir> {
        self.reservoir.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A uniform sample of the rows that a version was asked from `from` on and before `to`, over all nodes, of at most
/// `rows_max`; `None` when none were recorded. Hours count whole.
///
/// # Errors
/// When the database is away, or a recording is damaged.
pub async fn sample(
    registry: &Registry,
    (model, version): (&ModelId, i64),
    (from, to): (Timestamp, Timestamp),
    rows_max: usize,
) -> Result<Option<Recorded>, ApiError> {
    let rows = registry.recordings(model, version, hour_start(from), to).await?;
    let read = |row: &RecordingRow| {
        Recorded::from_json(row.body.as_bytes()).map_err(|error| {
            ApiError::internal(format!("the recording of {} v{} at {}: {error}", row.model, row.version, row.start))
        })
    };
    let parts = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Recorded::merge(parts, rows_max))
}

/// Writes recordings of a node. What was not written stays in the rows of the next time only as long as its hour lasts.
///
/// # Errors
/// When the database is away.
pub async fn write(registry: &Registry, node: &str, rows: Vec<RecordingRow>) -> Result<(), RegistryError> {
    for row in rows {
        registry.put_recording(&RecordingRow { node: node.to_owned(), ..row }).await?;
    }
    Ok(())
}

fn hour_start(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().div_euclid(HOUR_MILLIS).saturating_mul(HOUR_MILLIS))
}
