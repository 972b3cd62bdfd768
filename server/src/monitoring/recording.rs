//! Recordings: a sample of the rows that a version is asked in an hour on this node, when its settings ask for one.

use super::random::Random;
use crate::error::ApiError;
use servoir_monitor::recording::{Recorded, RecordingPlan, Reservoir};
use servoir_registry::{RecordingRow, Registry, RegistryError};
use servoir_types::{ModelId, Signature, Tensor, Timestamp};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a recording goes on, in milliseconds.
const HOUR_MILLIS: i64 = 3_600_000;
/// How often a recording that goes on is written.
const WRITE_SECONDS: i64 = 60;
/// Hours that are over and wait until they can be written; of more, the oldest are given up.
const WAITING_MAX: usize = 24;

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
    /// Hours that are over and not written yet.
    waiting: VecDeque<RecordingRow>,
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
            written: Mutex::new(Progress { hour: hour_start(now), at: now, seen: 0, waiting: VecDeque::new() }),
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
        hour_start(now) > self.progress().hour
    }

    /// What is to be written now: when the hour is over, when it was not for a while, or when `asked`; and of earlier hours what
    /// could not be. What was drawn after the hour's end counts to it. It is to be written again until [`Self::wrote`] is told.
    pub fn unwritten(&self, now: Timestamp, asked: bool) -> Vec<RecordingRow> {
        let mut progress = self.progress();
        let is_over = hour_start(now) > progress.hour;
        // A clock that was put back makes none wait for as long.
        let was_lately = (progress.at..progress.at.plus_seconds(WRITE_SECONDS)).contains(&now);
        if !is_over && !asked && was_lately {
            return Vec::new();
        }
        let newest = self.take(&progress, is_over);
        if !is_over {
            return progress.waiting.iter().cloned().chain(newest).collect();
        }
        progress.waiting.extend(newest);
        if progress.waiting.len() > WAITING_MAX {
            progress.waiting.pop_front();
        }
        (progress.hour, progress.at, progress.seen) = (hour_start(now), now, 0);
        progress.waiting.iter().cloned().collect()
    }

    /// What was given to be written at this moment has been.
    pub fn wrote(&self, row: &RecordingRow, now: Timestamp) {
        let mut progress = self.progress();
        progress.waiting.retain(|waiting| waiting.start != row.start);
        if row.start == progress.hour {
            (progress.at, progress.seen) = (now, u64::try_from(row.seen_rows).unwrap_or_default());
        }
    }

    /// What is recorded of the hour, if that is more than was written; an hour that is over begins anew.
    fn take(&self, progress: &Progress, is_over: bool) -> Option<RecordingRow> {
        let mut reservoir = self.lock();
        reservoir.saw(self.seen.swap(0, Ordering::Relaxed));
        let recorded = (reservoir.seen() > progress.seen).then(|| Recorded::of(&self.plan, &reservoir));
        if is_over {
            reservoir.restart();
            self.limit.store(reservoir.limit().to_bits(), Ordering::Relaxed);
        }
        drop(reservoir);
        let recorded = recorded?;
        Some(RecordingRow {
            model: self.model.clone(),
            version: self.version,
            start: progress.hour,
            node: String::new(),
            seen_rows: i64::try_from(recorded.seen).unwrap_or(i64::MAX),
            kept_rows: i64::try_from(recorded.rows()).unwrap_or(i64::MAX),
            body: String::from_utf8(recorded.to_json()).unwrap_or_default(),
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Writes recordings of a node.
///
/// # Errors
/// When the database is away. Nothing is lost then: it is written with the next.
pub async fn write(
    registry: &Registry,
    node: &str,
    recordings: &[Arc<Recording>],
    (now, asked): (Timestamp, bool),
) -> Result<(), RegistryError> {
    for recording in recordings {
        for row in recording.unwritten(now, asked) {
            let row = RecordingRow { node: node.to_owned(), ..row };
            registry.put_recording(&row).await?;
            recording.wrote(&row, now);
        }
    }
    Ok(())
}

fn hour_start(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().div_euclid(HOUR_MILLIS).saturating_mul(HOUR_MILLIS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Data, Datatype, Shape, TensorSpec};

    /// A recording, and a moment of an hour counted from the one that it begins in.
    fn recording() -> (Recording, impl Fn(i64) -> Timestamp) {
        let spec = |name: &str| TensorSpec::new(name, Datatype::Fp64, Shape::ranked([-1]));
        let signature = Signature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
        let recording = Recording::new((&ModelId::random(), 1), &signature, 1000);
        let begin = recording.progress().hour;
        (recording, move |hour| begin.plus_seconds(hour * HOUR_MILLIS / 1000))
    }

    fn draw(recording: &Recording, rows: usize) {
        let tensors = [Tensor::new(vec![rows], Data::Fp64((0..rows).map(|row| row as f64).collect())).unwrap()];
        recording.draw(&mut Random::default(), (&tensors, &tensors), rows);
    }

    /// The hours that are to be written, with the rows that were seen in each.
    fn said(rows: &[RecordingRow], hour: impl Fn(i64) -> Timestamp) -> Vec<(i64, i64)> {
        let number = |row: &RecordingRow| (row.start.as_millis() - hour(0).as_millis()) / HOUR_MILLIS;
        rows.iter().map(|row| (number(row), row.seen_rows)).collect()
    }

    #[test]
    fn what_could_not_be_written_is_written_with_the_next() {
        let (recording, hour) = recording();
        draw(&recording, 3);
        for _ in 0..2 {
            assert_eq!(said(&recording.unwritten(hour(0), true), &hour), [(0, 3)]);
        }
        for row in recording.unwritten(hour(0), true) {
            recording.wrote(&row, hour(0));
        }
        assert_eq!(recording.unwritten(hour(0), true), [], "once is enough");
        draw(&recording, 2);
        assert_eq!(said(&recording.unwritten(hour(1), false), &hour), [(0, 5)], "the whole hour");
        draw(&recording, 4);
        let both = recording.unwritten(hour(2), false);
        assert_eq!(said(&both, &hour), [(0, 5), (1, 4)], "the hour before too");
        recording.wrote(&both[0], hour(2));
        assert_eq!(said(&recording.unwritten(hour(2), true), &hour), [(1, 4)]);
        recording.wrote(&both[1], hour(2));
        assert_eq!(recording.unwritten(hour(2), true), []);
    }

    #[test]
    fn no_more_hours_wait_than_there_is_room_for() {
        let (recording, hour) = recording();
        let hours = WAITING_MAX as i64 + 5;
        for now in 1..=hours {
            draw(&recording, 1);
            recording.unwritten(hour(now), false);
        }
        let waiting = said(&recording.unwritten(hour(hours), true), &hour);
        assert_eq!(waiting, (hours - WAITING_MAX as i64..hours).map(|hour| (hour, 1)).collect::<Vec<_>>());
    }
}
