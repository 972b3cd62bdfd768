//! Running here and now: what costs less than handing it over runs on the thread that asks; at once, or at the end of the turn
//! of its loop with what else was asked in it.

use super::company::{Company, Terms};
use super::counters::InFlight;
use super::runner::Runner;
use crate::error::PredictError;
use crate::per_thread::{self, PerThread};
use crate::queue::{Answer, Job, Reply, Request};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Instant;
use tokio::sync::oneshot;

/// Instances for the threads that ask.
pub struct Inline {
    /// The most rows of a request that runs here.
    rows_max: usize,
    /// Whether and when requests wait for the end of the turn.
    terms: Option<Terms>,
    places: PerThread<Place>,
}

/// A thread's instance, and the requests of this turn that wait for its end.
struct Place {
    runner: Runner,
    waiting: Vec<Job>,
    rows: usize,
    company: Company,
}

/// What became of a request.
pub enum Taken<'a> {
    /// It ran.
    Ran(Result<Answer, PredictError>),
    /// It waits for the end of the turn.
    Waits(Waiting<'a>),
}

/// A request that waits for the end of the turn. Whoever comes there first runs all that wait; who is dropped before leaves none of
/// them behind.
pub struct Waiting<'a> {
    inline: &'a Inline,
    place: usize,
    answer: oneshot::Receiver<Reply>,
    is_answered: bool,
}

impl Waiting<'_> {
    /// Its answer. Everything else that this thread has to do goes first, and may come to wait with it.
    pub async fn answer(mut self) -> Reply {
        let (mut end_of_turn, mut is_over) = (pin!(tokio::task::yield_now()), false);
        let waiting = &mut self;
        let reply = poll_fn(move |context| {
            if let Poll::Ready(reply) = Pin::new(&mut waiting.answer).poll(context) {
                return Poll::Ready(reply);
            }
            if !is_over {
                ready!(end_of_turn.as_mut().poll(context));
                is_over = true;
                waiting.run();
            }
            Pin::new(&mut waiting.answer).poll(context)
        });
        let reply = reply.await;
        self.is_answered = true;
        reply.unwrap_or(Err(PredictError::Closed))
    }

    /// Runs all that wait.
    fn run(&self) {
        self.inline.places.at(self.place).run();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.answer.close();
            self.run();
        }
    }
}

impl Inline {
    /// At least one instance; requests of up to `rows_max` rows run here.
    pub fn new(rows_max: usize, terms: Option<Terms>, runners: impl Iterator<Item = Runner>) -> Self {
        let place = |runner| Place { runner, waiting: Vec::new(), rows: 0, company: Company::default() };
        Self { rows_max, terms, places: PerThread::new(runners.map(place)) }
    }

    /// The most rows of a request that runs here.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// The most rows of several requests that run together here; 0: each runs alone.
    pub fn batch_rows_max(&self) -> usize {
        self.terms.as_ref().map_or(0, Terms::rows_max)
    }

    /// How many instances there are.
    pub fn places(&self) -> usize {
        self.places.places()
    }

    /// Runs a request of `rows` rows that fits, or keeps it for the end of the turn.
    pub fn take(&self, request: Request, (rows, arrived): (usize, Instant), in_flight: InFlight) -> Taken<'_> {
        // All at work: this waits no longer than one run, which is short, or it would not be here.
        let per_thread::Taken { number, value: mut place, has_waited } = self.places.any();
        if !self.keeps(&mut place, rows) {
            let started = if has_waited { Instant::now() } else { arrived };
            let instance = place.runner.instance();
            let answer = instance.serve((&request.inputs, rows), request.observed, (arrived, started));
            drop((place, in_flight));
            return Taken::Ran(answer);
        }
        let (reply, answer) = oneshot::channel();
        place.rows += rows;
        place.waiting.push(Job::new(request, (rows, arrived), reply, in_flight));
        if place.rows >= self.batch_rows_max() {
            place.run();
        }
        Taken::Waits(Waiting { inline: self, place: number, answer, is_answered: false })
    }

    /// Whether a request is to wait for the end of the turn.
    fn keeps(&self, place: &mut Place, rows: usize) -> bool {
        let Some(terms) = &self.terms else { return false };
        if place.runner.instance().counters().is_unbatchable() {
            return false;
        }
        let is_kept =
            if place.waiting.is_empty() { place.company.is_expected(terms, rows) } else { terms.may_pay(rows) };
        is_kept && place.rows + rows <= terms.rows_max()
    }
}

impl Place {
    /// Runs all that wait.
    fn run(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.company.seen(self.rows);
        self.rows = 0;
        let now = Instant::now();
        for dead in self.waiting.extract_if(.., |job| job.is_dead(now)) {
            dead.answer(Err(PredictError::DeadlineExceeded));
        }
        self.runner.serve(&mut self.waiting, None);
    }
}
