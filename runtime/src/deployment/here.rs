//! Requests that run on the thread that asks.

use super::{Deployment, PoolOptions, warmed_session};
use crate::engine::{Program, Session};
use crate::error::{LoadError, PredictError};
use crate::per_thread::threads;
use crate::pool::{Costs, InFlight, Inline, Runner, Taken, Terms, has_rows_of_one_cost, warm_batches};
use crate::queue::{Answer, Request};
use std::time::Instant;

/// Which requests run on the thread that asks, and whether those of one turn of its loop may run together.
pub(super) struct Near {
    rows_max: usize,
    terms: Option<Terms>,
}

impl Near {
    /// `None` when all requests wait for an instance: who wants them to wait for company gets that. `batchable`: whether several
    /// may run together at all.
    pub fn of(
        session: &mut dyn Session,
        program: &dyn Program,
        (options, batchable): (&PoolOptions, bool),
    ) -> Option<Self> {
        // What runs where it is asked has no queue to wait in while there is no program; and a GPU is never that near.
        let may_sleep = options.scaling.is_some_and(|scaling| scaling.instances_min == 0);
        let (said, cost_max) = (options.inline_rows_max, options.inline_cost_max);
        let is_measured =
            !cost_max.is_zero() && options.queue_delay_max.is_zero() && has_rows_of_one_cost(program.signature());
        if may_sleep || program.device().is_gpu() || said.map_or(!is_measured, |rows| rows == 0) {
            return None;
        }
        let way = (program.engine(), program.device());
        let points = options.profile.as_ref().map(|profile| profile.points(way, options.threads));
        let known = points.and_then(Costs::known);
        let costs = known.or_else(|| Costs::measured(session, program.signature(), cost_max));
        let cheap = || costs.as_ref().map_or(0, |costs| costs.rows_within(cost_max));
        let rows_max = said.unwrap_or_else(cheap);
        let terms = costs.filter(|_| batchable).and_then(|costs| Terms::new(costs, options.batch_rows_max));
        (rows_max > 0).then_some(Self { rows_max, terms })
    }

    /// A session for each thread that asks, warmed for what will run there.
    pub fn sessions(&self, program: &dyn Program) -> Result<Vec<Box<dyn Session>>, LoadError> {
        let session = |_| {
            let mut session = warmed_session(program)?;
            if let Some(terms) = &self.terms {
                let warmed = warm_batches(&mut *session, program.signature(), terms.sizes());
                warmed.or_else(|cold| super::stays_cold(program, &cold))?;
            }
            Ok(session)
        };
        (0..threads()).map(session).collect()
    }

    /// Where they run.
    pub fn inline(self, runners: impl Iterator<Item = Runner>) -> Inline {
        Inline::new(self.rows_max, self.terms, runners)
    }
}

impl Deployment {
    /// Runs a request that fits on this thread; when it had its answer is given with it.
    pub(super) async fn run_here(
        &self,
        inline: &Inline,
        request: Request,
        (rows, arrived): (usize, Instant),
    ) -> Result<(Answer, Instant), PredictError> {
        if request.deadline.is_some_and(|deadline| deadline <= arrived) {
            return Err(PredictError::DeadlineExceeded);
        }
        match inline.take(request, (rows, arrived), InFlight::enter(&self.counters)) {
            Taken::Ran(answer) => answer.map(|answer| {
                let ended = answer.ended;
                (answer, ended)
            }),
            Taken::Waits(waiting) => Ok((waiting.answer().await?, Instant::now())),
        }
    }

    /// The most rows of a request that runs on the thread that asks, because that was measured to cost less than handing it
    /// over; 0: all wait for an instance.
    pub fn inline_rows_max(&self) -> usize {
        self.inline.as_ref().map_or(0, |inline| inline.rows_max())
    }

    /// The most rows of several requests that run together on the thread that asks, when enough of them are asked in one turn of
    /// its loop for that to cost less; 0: each runs alone there.
    pub fn inline_batch_rows_max(&self) -> usize {
        self.inline.as_ref().map_or(0, |inline| inline.batch_rows_max())
    }
}
