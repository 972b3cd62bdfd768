//! What a deployment counts, readable at any time without a lock.

use crate::error::PredictError;
use crate::statistics::Tally;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The longest time that a refused client is told to wait, in seconds.
const RETRY_AFTER_SECONDS_MAX: u64 = 60;
/// What the last run weighs in the mean cost of a row, in parts of one.
const RUN_WEIGHT: u64 = 8;

#[derive(Default)]
pub struct Counters {
    pub instances: AtomicUsize,
    pub busy: AtomicUsize,
    pub in_flight: AtomicUsize,
    pub compute_nanos: AtomicU64,
    /// Time that instances were at work on what was queued.
    pub busy_nanos: AtomicU64,
    /// Requests that were answered.
    success: AtomicTally,
    /// Requests that were not.
    fail: AtomicTally,
    /// Those of them that the model is to blame for.
    errors: AtomicU64,
    /// Rows that instances are at work on.
    rows_running: AtomicUsize,
    /// What a row has cost lately, in nanoseconds: a mean in which a run weighs [`RUN_WEIGHT`] and those before it the rest. 0:
    /// nothing has run.
    row_nanos: AtomicU64,
    /// Requests that the self-check ran again, and those of them that were answered otherwise.
    checked: AtomicU64,
    differed: AtomicU64,
    /// Rows that were added to batches for the engine's sake.
    padded: AtomicU64,
    /// Set when outputs did not have the rows of the inputs: this program's batches cannot be taken apart.
    unbatchable: AtomicBool,
    last_error: Mutex<Option<String>>,
    drained: Notify,
    /// Whether somebody waits, or has ever waited, for that.
    is_awaited: AtomicBool,
}

impl Counters {
    /// Counts a run of `rows` rows.
    pub fn ran(&self, rows: usize, computed: Duration) {
        let nanos = u64::try_from(computed.as_nanos()).unwrap_or(u64::MAX);
        self.compute_nanos.fetch_add(nanos, Ordering::Relaxed);
        // Of two that write at once one is lost, which a mean can bear.
        let (before, now) = (self.row_nanos.load(Ordering::Relaxed), (nanos / rows.max(1) as u64).max(1));
        let mean = if before == 0 { now } else { before - before / RUN_WEIGHT + now / RUN_WEIGHT };
        self.row_nanos.store(mean.max(1), Ordering::Relaxed);
    }

    /// Seconds until `rows` waiting rows are worked off, from the measured rows per second; at least 1.
    pub fn retry_after_seconds(&self, rows: usize) -> u64 {
        let wait = self.forecast(rows).as_nanos();
        u64::try_from(wait.div_ceil(1_000_000_000)).unwrap_or(u64::MAX).clamp(1, RETRY_AFTER_SECONDS_MAX)
    }

    /// How long the instances take to work off `rows` rows, by what rows have cost lately; zero while nothing has run.
    pub fn forecast(&self, rows: usize) -> Duration {
        let instances = self.instances.load(Ordering::Relaxed).max(1) as u128;
        let wait = u128::from(self.row_nanos.load(Ordering::Relaxed)) * rows as u128 / instances;
        Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    /// An instance is at work on so many rows, until this is dropped.
    pub fn running(self: &Arc<Self>, rows: usize) -> Running {
        self.rows_running.fetch_add(rows, Ordering::Relaxed);
        self.busy.fetch_add(1, Ordering::Relaxed);
        Running { counters: Arc::clone(self), rows, counted: Instant::now() }
    }

    /// Rows that instances are at work on.
    pub fn rows_running(&self) -> usize {
        self.rows_running.load(Ordering::Relaxed)
    }

    /// Requests that were answered, and those that were not.
    pub fn outcomes(&self) -> (Tally, Tally) {
        (self.success.load(), self.fail.load())
    }

    /// Counts a request that was not answered, when the model is to blame; on the way of those alone.
    pub fn blame(&self, error: &PredictError) {
        if matches!(error, PredictError::Run(_) | PredictError::DeadlineExceeded) {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests that were not answered and that the model is to blame for.
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Counts a request that the self-check ran again.
    pub fn checked(&self, alike: bool) {
        self.checked.fetch_add(1, Ordering::Relaxed);
        self.differed.fetch_add(u64::from(!alike), Ordering::Relaxed);
    }

    /// Requests that the self-check ran again, and those of them that were answered otherwise.
    pub fn checks(&self) -> (u64, u64) {
        (self.checked.load(Ordering::Relaxed), self.differed.load(Ordering::Relaxed))
    }

    /// Counts rows that were added to batches for the engine's sake.
    pub fn padded(&self, rows: usize) {
        self.padded.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Rows that were added to batches for the engine's sake.
    pub fn padded_rows(&self) -> u64 {
        self.padded.load(Ordering::Relaxed)
    }

    pub fn is_unbatchable(&self) -> bool {
        self.unbatchable.load(Ordering::Relaxed)
    }

    pub fn set_unbatchable(&self) {
        self.unbatchable.store(true, Ordering::Relaxed);
    }

    /// Remembers the engine's words.
    pub fn failed(&self, reason: &str) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    pub fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until nothing is in flight.
    pub async fn drained(&self) {
        loop {
            let mut notified = std::pin::pin!(self.drained.notified());
            // Listening starts before looking, so that a drop in between is not missed.
            notified.as_mut().enable();
            self.is_awaited.store(true, Ordering::SeqCst);
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            notified.await;
        }
    }
}

/// An instance at work on what was queued.
pub struct Running {
    counters: Arc<Counters>,
    rows: usize,
    /// Up to when its time is counted.
    counted: Instant,
}

impl Running {
    /// Counts the time up to now: before an answer, so that who has it finds counted what it took.
    pub fn count(&mut self) {
        let now = Instant::now();
        let nanos = u64::try_from(now.saturating_duration_since(self.counted).as_nanos()).unwrap_or(u64::MAX);
        self.counters.busy_nanos.fetch_add(nanos, Ordering::Relaxed);
        self.counted = now;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.counters.busy.fetch_sub(1, Ordering::Relaxed);
        self.counters.rows_running.fetch_sub(self.rows, Ordering::Relaxed);
        self.count();
    }
}

/// Counts one request as in flight from its making to its drop.
pub struct InFlight(Arc<Counters>);

impl InFlight {
    pub fn enter(counters: &Arc<Counters>) -> Self {
        counters.in_flight.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(counters))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_awaited.load(Ordering::SeqCst) {
            self.0.drained.notify_waiters();
        }
    }
}

/// Counts one request as answered or, when it is dropped before, as not answered, with the time since its making.
pub struct Outcome<'a> {
    counters: &'a Counters,
    arrived: Instant,
    answered: Option<Instant>,
}

impl<'a> Outcome<'a> {
    pub fn pending(counters: &'a Counters, arrived: Instant) -> Self {
        Self { counters, arrived, answered: None }
    }

    /// It was answered at `ended`.
    pub fn answered(mut self, ended: Instant) {
        self.answered = Some(ended);
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        match self.answered {
            Some(ended) => self.counters.success.add(ended.saturating_duration_since(self.arrived)),
            None => self.counters.fail.add(self.arrived.elapsed()),
        }
    }
}

#[derive(Default)]
struct AtomicTally {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl AtomicTally {
    fn add(&self, elapsed: Duration) {
        self.nanos.fetch_add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    fn load(&self) -> Tally {
        Tally { count: self.count.load(Ordering::Relaxed), nanos: self.nanos.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_at_work_is_counted_once() {
        let counters = Arc::new(Counters::default());
        let busy = || counters.busy_nanos.load(Ordering::Relaxed);
        let (begun, mut running) = (Instant::now(), counters.running(1));
        assert_eq!(busy(), 0);
        let at_work = Instant::now();
        while at_work.elapsed() < Duration::from_micros(10) {}
        running.count();
        assert!(busy() >= 10_000, "{} ns", busy());
        running.count();
        drop(running);
        assert!(u128::from(busy()) <= begun.elapsed().as_nanos(), "{} ns", busy());
    }

    #[test]
    fn the_wait_is_estimated_from_what_was_measured() {
        let cases = [
            (0, 0, 1, 100, 1),
            (10, 10, 1, 100, 1),
            (10, 1_000, 1, 100, 10),
            (10, 1_000, 4, 100, 3),
            (1, 60_000, 1, 100, 60),
        ];
        for (rows_done, millis, instances, waiting, expected) in cases {
            let counters = Counters::default();
            counters.instances.store(instances, Ordering::Relaxed);
            if rows_done > 0 {
                counters.ran(rows_done, Duration::from_millis(millis));
            }
            assert_eq!(counters.retry_after_seconds(waiting), expected, "{rows_done} rows in {millis} ms");
        }
    }
}
