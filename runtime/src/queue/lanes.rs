//! Three lanes of waiting requests, one per priority, and whose turn it is.

use super::{Job, Priority};
use std::collections::VecDeque;
use std::time::Instant;

/// A lane that was passed over this many times in a row goes first once.
pub const TAKES_BEFORE_LOWER: usize = 8;

const LANES: usize = 3;

#[derive(Default)]
pub struct Lanes {
    lanes: [VecDeque<Job>; LANES],
    /// How often each lane was passed over since it last went first.
    passed_over: [usize; LANES],
    rows: usize,
    bytes: usize,
}

/// What becomes of a request that [`Lanes::drain_while`] offers.
pub enum Verdict {
    Taken,
    /// It keeps its place.
    PassOver(Job),
    /// It keeps its place and nothing more is offered.
    Stop(Job),
}

const fn lane_of(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

impl Lanes {
    /// Rows that wait, as limits count them.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of tensors that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    pub fn push(&mut self, job: Job) {
        self.charge(&job);
        self.lanes[lane_of(job.priority)].push_back(job);
    }

    /// Puts a request that [`Self::next`] gave back to where it was.
    pub fn put_back(&mut self, job: Job) {
        self.charge(&job);
        let lane = lane_of(job.priority);
        self.lanes[lane].push_front(job);
    }

    fn charge(&mut self, job: &Job) {
        self.rows += job.charged_rows();
        self.bytes += job.bytes;
    }

    fn discharge(&mut self, job: &Job) {
        self.rows -= job.charged_rows();
        self.bytes -= job.bytes;
    }

    /// Takes out the request whose turn it is. Dead ones before it go to `dead`.
    pub fn next(&mut self, now: Instant, dead: &mut Vec<Job>) -> Option<Job> {
        for lane in 0..LANES {
            while self.lanes[lane].front().is_some_and(|job| job.is_dead(now)) {
                dead.extend(self.pop(lane));
            }
        }
        let waiting = |lane: &usize| !self.lanes[*lane].is_empty();
        let starved = (0..LANES).filter(waiting).find(|&lane| self.passed_over[lane] >= TAKES_BEFORE_LOWER);
        let lane = starved.or_else(|| (0..LANES).find(waiting))?;
        self.pop(lane)
    }

    /// Records that the request which [`Self::next`] gave really went first.
    pub fn went_first(&mut self, priority: Priority) {
        let went = lane_of(priority);
        for lane in 0..LANES {
            let waits = lane != went && !self.lanes[lane].is_empty();
            self.passed_over[lane] = if waits { self.passed_over[lane] + 1 } else { 0 };
        }
    }

    fn pop(&mut self, lane: usize) -> Option<Job> {
        let job = self.lanes[lane].pop_front()?;
        self.discharge(&job);
        Some(job)
    }

    /// Offers the requests in order, highest lane first, to `take`, until it says stop. Dead ones go to `dead`.
    pub fn drain_while(&mut self, now: Instant, dead: &mut Vec<Job>, mut take: impl FnMut(Job) -> Verdict) {
        let mut going = true;
        for lane in 0..LANES {
            let mut passed_over = Vec::new();
            while going && let Some(job) = self.pop(lane) {
                if job.is_dead(now) {
                    dead.push(job);
                    continue;
                }
                match take(job) {
                    Verdict::Taken => {}
                    Verdict::PassOver(job) => passed_over.push(job),
                    Verdict::Stop(job) => {
                        passed_over.push(job);
                        going = false;
                    }
                }
            }
            passed_over.into_iter().rev().for_each(|job| self.put_back(job));
        }
    }

    /// Takes out every dead request.
    pub fn sweep(&mut self, now: Instant) -> Vec<Job> {
        let mut dead = Vec::new();
        self.drain_while(now, &mut dead, Verdict::PassOver);
        dead
    }
}
