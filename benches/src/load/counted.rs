//! What is counted of a load on one thread: what lies between its begin and its end.

use super::connection::Sent;
use super::measured::Measured;
use super::plan::Pace;
use std::time::Instant;

/// What is counted, and when.
pub struct Counted {
    /// What was answered before it is not counted.
    pub begin: Instant,
    /// What was answered from then on is not counted.
    pub end: Instant,
    /// The counts.
    pub measured: Measured,
}

impl Counted {
    /// An answer with its status and its length.
    pub fn answered(&mut self, sent: Sent, (status, bytes): (u16, usize), now: Instant, pace: Pace) {
        let is_inside = |moment: Instant| self.begin <= moment && moment < self.end;
        let counts = if pace == Pace::Closed { is_inside(now) } else { is_inside(sent.due) };
        if is_inside(now) {
            self.measured.answered(status, bytes);
        }
        if counts && status == 200 {
            self.measured.latency(now.saturating_duration_since(sent.due));
        }
    }

    /// A request that was due and has no answer.
    pub fn unanswered(&mut self, due: Instant, now: Instant) {
        if self.begin <= due {
            self.measured.unanswered += 1;
            self.measured.latency(now.saturating_duration_since(due));
        }
    }
}
