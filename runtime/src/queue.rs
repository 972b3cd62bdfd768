//! The queue of one deployment: bounded, with priorities, and batches that form from what has gathered.
//!
//! There is no timer and no batching task. A worker that is free takes the request whose turn it is and, with it, others
//! that can share its run. Requests that have expired or whose client has gone are dropped on the way.

mod lanes;
mod request;

pub use request::{Answer, Priority, Request};
pub(crate) use request::{Job, Reply};

use crate::batch::fit_together;
use crate::error::PredictError;
use lanes::Lanes;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The most requests of another shape that are passed over while one batch is put together.
const PASSED_OVER_MAX: usize = 256;

/// How much may wait and how much runs together; see [`crate::PoolOptions`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub batch_rows_max: usize,
    pub queue_delay_max: Duration,
    pub queue_rows_max: usize,
    pub queue_bytes_max: usize,
}

pub(crate) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    /// Something was pushed, something is left over, or the queue was closed.
    changed: Condvar,
    /// The rows that wait, for readers who do not want the lock.
    rows: AtomicUsize,
    /// Told when something is pushed that nobody is there to take.
    waker: OnceLock<Arc<Notify>>,
}

struct State {
    lanes: Lanes,
    closed: bool,
    /// So many workers are to end when they find nothing to do.
    leaving: usize,
    /// There are no workers, or they are on their way out.
    asleep: bool,
}

/// Why a request was not queued; the caller knows how to word it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This many rows wait already.
    Full {
        rows: usize,
    },
    Closed,
}

impl Queue {
    pub fn new(limits: Limits) -> Self {
        let state = State { lanes: Lanes::default(), closed: false, leaving: 0, asleep: false };
        let (changed, rows, waker) = (Condvar::new(), AtomicUsize::new(0), OnceLock::new());
        Self { limits, state: Mutex::new(state), changed, rows, waker }
    }

    /// Rows that wait now.
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Queues a request, or refuses it at once when it does not fit.
    ///
    /// One that is larger than the queue's bytes is let in when nothing else waits.
    pub fn push(&self, job: Job) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if !self.has_room(&state, &job) {
            refuse_expired(state.lanes.sweep(Instant::now()));
            self.publish(&state);
            if !self.has_room(&state, &job) {
                return Err(Refusal::Full { rows: state.lanes.rows() });
            }
        }
        state.lanes.push(job);
        self.publish(&state);
        let waker = if state.asleep { self.waker.get() } else { None };
        drop(state);
        waker.map_or_else(|| self.changed.notify_one(), |waker| waker.notify_one());
        Ok(())
    }

    /// Whether not even one row more would be let in.
    pub fn is_full(&self) -> bool {
        if self.rows() < self.limits.queue_rows_max {
            return false;
        }
        let mut state = self.lock();
        let dead = state.lanes.sweep(Instant::now());
        self.publish(&state);
        let is_full = state.lanes.rows() >= self.limits.queue_rows_max;
        drop(state);
        refuse_expired(dead);
        is_full
    }

    /// From now on this is told when something is pushed that nobody is there to take; only the first who asks is.
    pub fn tell(&self, waker: Arc<Notify>) {
        self.waker.get_or_init(|| waker);
    }

    /// Lets all `workers` end, unless something waits or `is_quiet` says otherwise: what is pushed from then on waits until there are
    /// workers again. `false` when it goes on as it was.
    pub fn fall_asleep(&self, workers: usize, is_quiet: impl FnOnce() -> bool) -> bool {
        let mut state = self.lock();
        if state.asleep || state.closed || !state.lanes.is_empty() || !is_quiet() {
            return false;
        }
        state.asleep = true;
        state.leaving += workers;
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Waits until the workers have ended that were to; there may be others from now on.
    pub fn wake_up(&self) {
        let mut state = self.lock();
        while state.leaving > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
    }

    /// There are no workers after all; what waits goes on waiting.
    pub fn sleep_on(&self) {
        self.lock().asleep = true;
    }

    /// Whether nobody is there to take what is pushed.
    pub fn is_asleep(&self) -> bool {
        self.lock().asleep
    }

    /// Takes everything out that waits.
    pub fn take_all(&self) -> Vec<Job> {
        let (mut state, now) = (self.lock(), Instant::now());
        let mut all = Vec::new();
        while let Some(job) = state.lanes.next(now, &mut all) {
            all.push(job);
        }
        self.publish(&state);
        all
    }

    /// Lets one worker end, the first that finds nothing to do.
    pub fn let_one_leave(&self) {
        self.lock().leaving += 1;
        self.changed.notify_one();
    }

    /// Lets one of those stay that were to end and have not; `false` when there is none.
    pub fn let_one_stay(&self) -> bool {
        let mut state = self.lock();
        let is_any = state.leaving > 0;
        state.leaving = state.leaving.saturating_sub(1);
        is_any
    }

    fn has_room(&self, state: &State, job: &Job) -> bool {
        let lanes = &state.lanes;
        lanes.is_empty()
            || (lanes.rows().saturating_add(job.charged_rows()) <= self.limits.queue_rows_max
                && lanes.bytes().saturating_add(job.bytes) <= self.limits.queue_bytes_max)
    }

    /// Waits for work and takes what can run together: one request, or several that fit together when `batching`.
    /// `None` when the queue is closed and empty, and when a worker is to leave.
    pub fn take(&self, batching: bool) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            // Whoever pushes now counts on workers that are yet to come.
            if state.asleep && state.leaving > 0 {
                state.leaving -= 1;
                self.changed.notify_all();
                return None;
            }
            let now = Instant::now();
            let mut dead = Vec::new();
            match state.lanes.next(now, &mut dead) {
                None if !dead.is_empty() => {
                    self.publish(&state);
                    drop(state);
                    refuse_expired(dead);
                    state = self.lock();
                }
                None if state.closed => return None,
                None if state.leaving > 0 => {
                    state.leaving -= 1;
                    return None;
                }
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(first) => match self.company_wait(&state, &first, batching, now) {
                    Some(wait) => {
                        state.lanes.put_back(first);
                        self.publish(&state);
                        refuse_expired(dead);
                        state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
                    }
                    None => {
                        state.lanes.went_first(first.priority);
                        let jobs = if batching { self.fill(&mut state, first, now, &mut dead) } else { vec![first] };
                        let left = !state.lanes.is_empty();
                        self.publish(&state);
                        drop(state);
                        if left {
                            self.changed.notify_one();
                        }
                        refuse_expired(dead);
                        return Some(jobs);
                    }
                },
            }
        }
    }

    /// How much longer `first`, just taken out, should wait for others; `None`: not at all.
    fn company_wait(&self, state: &State, first: &Job, batching: bool, now: Instant) -> Option<Duration> {
        let full = state.lanes.rows() + first.charged_rows() >= self.limits.batch_rows_max;
        if !batching || full || state.closed || self.limits.queue_delay_max.is_zero() {
            return None;
        }
        // Half of what a caller has is for the run and the way back.
        let patience = first.deadline.map(|deadline| deadline.saturating_duration_since(first.arrived) / 2);
        let until =
            first.arrived + patience.map_or(self.limits.queue_delay_max, |some| some.min(self.limits.queue_delay_max));
        until.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// `first` and what fits together with it, in the order of the lanes, up to the most rows.
    fn fill(&self, state: &mut State, first: Job, now: Instant, dead: &mut Vec<Job>) -> Vec<Job> {
        let mut rows = first.charged_rows();
        let mut jobs = vec![first];
        if rows >= self.limits.batch_rows_max {
            return jobs;
        }
        let mut passed_over = 0;
        state.lanes.drain_while(now, dead, |job| {
            if !fit_together(&jobs[0].inputs, &job.inputs) {
                passed_over += 1;
                return if passed_over < PASSED_OVER_MAX {
                    lanes::Verdict::PassOver(job)
                } else {
                    lanes::Verdict::Stop(job)
                };
            }
            if rows + job.charged_rows() > self.limits.batch_rows_max {
                return lanes::Verdict::Stop(job);
            }
            rows += job.charged_rows();
            jobs.push(job);
            lanes::Verdict::Taken
        });
        jobs
    }

    /// No more requests come in; those that wait are still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn publish(&self, state: &State) {
        self.rows.store(state.lanes.rows(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers those whose deadline has passed; nobody listens any more for the rest.
fn refuse_expired(dead: Vec<Job>) {
    for job in dead {
        job.answer(Err(PredictError::DeadlineExceeded));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{Counters, InFlight};
    use tokio::sync::oneshot;

    #[test]
    fn nobody_waits_for_company_until_it_is_too_late() {
        let second = Duration::from_secs(1);
        let arrived = Instant::now();
        // The longest that anybody waits, what the caller has, what of it is over, and how much longer it waits.
        let cases = [
            (3600 * second, Some(4 * second), Duration::ZERO, Some(2 * second)),
            (3600 * second, Some(4 * second), second, Some(second)),
            (3600 * second, Some(4 * second), 2 * second, None),
            (3600 * second, Some(4 * second), 5 * second, None),
            (second, Some(4 * second), Duration::ZERO, Some(second)),
            (second, Some(4 * second), second, None),
            (second, None, Duration::ZERO, Some(second)),
            (Duration::ZERO, Some(4 * second), Duration::ZERO, None),
        ];
        for (queue_delay_max, patience, passed, expected) in cases {
            let limits = Limits { batch_rows_max: 4, queue_delay_max, queue_rows_max: 100, queue_bytes_max: 100 };
            let queue = Queue::new(limits);
            let (reply, _caller) = oneshot::channel();
            let first = Job {
                inputs: Vec::new(),
                rows: 1,
                bytes: 0,
                deadline: patience.map(|patience| arrived + patience),
                priority: Priority::Normal,
                observed: false,
                arrived,
                reply,
                in_flight: InFlight::enter(&Arc::new(Counters::default())),
            };
            let wait = queue.company_wait(&queue.lock(), &first, true, arrived + passed);
            assert_eq!(wait, expected, "{queue_delay_max:?}, {patience:?}, {passed:?}");
        }
    }
}
