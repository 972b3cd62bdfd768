//! Who is let in. What would surely wait too long is refused at once, where callers can before its body was read.

use super::Deployment;
use crate::error::PredictError;
use crate::pool::Outcome;
use std::time::Instant;

impl Deployment {
    /// Whether a request that is wanted by `deadline` would be let in if it had one row: for callers who have not read yet
    /// what was sent. What is refused here is counted as a request that was not answered.
    ///
    /// # Errors
    /// [`PredictError::QueueFull`], [`PredictError::WaitTooLong`], [`PredictError::DeadlineTooSoon`].
    pub fn admit(&self, deadline: Option<Instant>) -> Result<(), PredictError> {
        if self.queue.rows() == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let full = if self.queue.is_full() { Err(self.full(self.queue.rows())) } else { Ok(()) };
        full.and_then(|()| self.forecast_in_time(1, (now, deadline)))
            .inspect_err(|_| drop(Outcome::pending(&self.counters, now)))
    }

    /// Refuses a request of `rows` rows whose wait, from now, would be longer than the deployment's latency target allows, or
    /// end after its deadline. Where nothing waits it is let in: so what rows cost is measured again, whatever it was before.
    pub(super) fn forecast_in_time(
        &self,
        rows: usize,
        (now, deadline): (Instant, Option<Instant>),
    ) -> Result<(), PredictError> {
        let waiting @ 1.. = self.queue.rows() else { return Ok(()) };
        let ahead = self.counters.rows_running() + waiting + rows;
        let forecast = self.counters.forecast(ahead + self.company(waiting, rows));
        let retry_after_seconds = || self.counters.retry_after_seconds(waiting);
        if let Some(target) = self.options.latency_target.filter(|target| forecast > *target) {
            let retry_after_seconds = retry_after_seconds();
            return Err(PredictError::WaitTooLong { rows: waiting, forecast, target, retry_after_seconds });
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
        match left.filter(|left| forecast > *left) {
            Some(left) => {
                let retry_after_seconds = retry_after_seconds();
                Err(PredictError::DeadlineTooSoon { rows: waiting, forecast, left, retry_after_seconds })
            }
            None => Ok(()),
        }
    }

    /// How many rows may come behind a request and run with it: what its batch has room for, but no more than wait before it now.
    fn company(&self, waiting: usize, rows: usize) -> usize {
        let batch = if self.batchable { self.options.batch_rows_max.max(1) } else { 1 };
        let taken = (waiting + rows) % batch;
        if taken == 0 { 0 } else { (batch - taken).min(waiting) }
    }

    /// So many rows wait, and no more may.
    pub(super) fn full(&self, rows: usize) -> PredictError {
        PredictError::QueueFull { rows, retry_after_seconds: self.counters.retry_after_seconds(rows) }
    }
}
