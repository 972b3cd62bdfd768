//! The search: candidates are trained one after the other, and the best of the validation rows is kept.

use super::ended::Ended;
use super::reporter::Reporter;
use super::study::{Prepared, Study};
use crate::config::Algorithm;
use crate::event::{Event, Level};
use crate::job::Candidate;
use crate::predictions::Predictions;
use crate::train::constant::constant;
use crate::train::error::TrainError;
use crate::train::learner::{Learned, Material, Part, Round};
use crate::train::model::{Model, beside};
use crate::train::score;
use crate::train::search::Plan;
use serde_json::{Map, Value};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The best candidate, and all of them.
pub struct Found {
    pub best: Candidate,
    pub algorithm: Algorithm,
    pub model: Model,
    pub prepared: Prepared,
    /// By score, best first, the baseline among them.
    pub leaderboard: Vec<Candidate>,
    /// Whether candidates were not tried because the time was over.
    pub cut_short: bool,
}

/// The best so far.
struct Best {
    candidate: Candidate,
    algorithm: Algorithm,
    model: Model,
    prepared: usize,
}

/// A search under way.
pub struct Search<'s, W> {
    study: &'s Study<'s>,
    reporter: &'s mut Reporter<W>,
    /// Matrices by form, made when they are needed first.
    prepared: Vec<Prepared>,
    best: Option<Best>,
    leaderboard: Vec<Candidate>,
}

impl<'s, W: Write + Send> Search<'s, W> {
    /// A search that begins with these matrices.
    pub fn new(study: &'s Study<'s>, reporter: &'s mut Reporter<W>, prepared: Prepared) -> Self {
        Self { study, reporter, prepared: vec![prepared], best: None, leaderboard: Vec::new() }
    }

    /// Tries the plans in their order.
    ///
    /// # Errors
    /// Somebody asked for the end, or no candidate could be trained.
    pub fn run(mut self, plans: &[Plan]) -> Result<Found, Ended> {
        self.baseline()?;
        let (started, limit) = (Instant::now(), Duration::from_secs(self.study.job.config.search.seconds_max));
        let mut failure = None;
        let mut cut_short = false;
        for (number, plan) in plans.iter().enumerate() {
            if number > 0 && started.elapsed() > limit {
                cut_short = true;
                let left = plans.len() - number;
                let message = format!("the search ends after {} s; {left} candidates were not tried", limit.as_secs());
                self.reporter.log(Level::Warning, &message)?;
                break;
            }
            match self.attempt(plan, (number, plans.len())) {
                Err(Ended::Failed { code, message }) => {
                    self.reporter.log(Level::Warning, &format!("{} could not be trained: {message}", plan.name))?;
                    failure = Some(Ended::Failed { code, message });
                }
                done => done?,
            }
        }
        let Some(best) = self.best else {
            return Err(failure.unwrap_or_else(|| Ended::from(TrainError::Learner("there is no candidate".into()))));
        };
        // A stable sort: of equal scores the earlier is first.
        self.leaderboard.sort_by(|a, b| a.score.total_cmp(&b.score));
        let prepared = self.prepared.swap_remove(best.prepared);
        Ok(Found {
            best: best.candidate,
            algorithm: best.algorithm,
            model: best.model,
            prepared,
            leaderboard: self.leaderboard,
            cut_short,
        })
    }

    fn baseline(&mut self) -> Result<(), Ended> {
        let started = Instant::now();
        let classes = &self.study.target.classes;
        let Prepared { train, validation, .. } = &self.prepared[0];
        let answer = constant(train, classes.len());
        let about = Trained { name: "baseline", algorithm: None, hyperparameters: Map::new(), started, rounds: 0 };
        let candidate = judged(about, validation, || {
            Ok(beside(&validation.truth, answer.repeat(validation.matrix.rows()), classes))
        })?;
        self.reporter.candidate(&candidate)?;
        self.leaderboard.push(candidate);
        Ok(())
    }

    /// Trains one candidate, the `number`th of `count`.
    fn attempt(&mut self, plan: &Plan, (number, count): (usize, usize)) -> Result<(), Ended> {
        let at = self.prepared(plan)?;
        let prepared = &self.prepared[at];
        let material = self.study.material(prepared);
        let learner = plan.learner(&material);
        let mut progress = Progress { reporter: self.reporter, name: &plan.name, number, count, ended: None };
        progress.begin()?;
        let started = Instant::now();
        let learned = learner.learn(&material, &mut |round| progress.round(round));
        if let Some(ended) = progress.ended.take() {
            return Err(ended);
        }
        let Learned { model, rounds } = learned?;
        let (name, algorithm) = (plan.name.as_str(), Some(plan.algorithm));
        let about = Trained { name, algorithm, hyperparameters: learner.hyperparameters(), started, rounds };
        let candidate =
            judged(about, &prepared.validation, || model.judge(&prepared.validation, &self.study.target.classes))?;
        if !candidate.score.is_finite() {
            return Err(TrainError::Learner(format!("{name} answers with numbers that are not finite")).into());
        }
        self.reporter.candidate(&candidate)?;
        self.leaderboard.push(candidate.clone());
        if self.best.as_ref().is_none_or(|best| candidate.score < best.candidate.score) {
            self.best = Some(Best { candidate, algorithm: plan.algorithm, model, prepared: at });
        }
        Ok(())
    }

    /// The place of the matrices for a plan.
    fn prepared(&mut self, plan: &Plan) -> Result<usize, Ended> {
        if let Some(at) = self.prepared.iter().position(|prepared| prepared.form == plan.form()) {
            return Ok(at);
        }
        self.prepared.push(self.study.prepare(plan.form())?);
        Ok(self.prepared.len() - 1)
    }
}

/// A candidate whose worth is not known yet.
struct Trained<'a> {
    name: &'a str,
    algorithm: Option<Algorithm>,
    hyperparameters: Map<String, Value>,
    started: Instant,
    rounds: u64,
}

/// Judges a candidate by the validation rows.
#[allow(clippy::cast_precision_loss)] // numbers of rows
fn judged(
    trained: Trained<'_>,
    validation: &Part,
    answers: impl FnOnce() -> Result<Predictions, TrainError>,
) -> Result<Candidate, Ended> {
    let training_seconds = trained.started.elapsed().as_secs_f64();
    let asked = Instant::now();
    let predictions = answers()?;
    let prediction_seconds = asked.elapsed().as_secs_f64();
    let metrics = score::metrics(&predictions).into_iter().map(|(name, value)| (name, value.into())).collect();
    Ok(Candidate {
        name: trained.name.into(),
        algorithm: trained.algorithm,
        hyperparameters: trained.hyperparameters,
        score: score::score(&predictions),
        metrics,
        training_seconds,
        prediction_micros_per_row: prediction_seconds * 1e6 / validation.matrix.rows().max(1) as f64,
        rounds: trained.rounds,
    })
}

/// What is said while a candidate is trained.
struct Progress<'a, W> {
    reporter: &'a mut Reporter<W>,
    name: &'a str,
    number: usize,
    count: usize,
    /// Why it was told to end.
    ended: Option<Ended>,
}

impl<W: Write + Send> Progress<'_, W> {
    fn begin(&mut self) -> Result<(), Ended> {
        let Self { name, number, count, .. } = *self;
        self.reporter.log(Level::Info, &format!("training {name}, {} of {count}", number + 1))?;
        self.say(0.0)
    }

    fn round(&mut self, round: Round) -> ControlFlow<()> {
        #[allow(clippy::cast_precision_loss)] // numbers of rounds
        let done = round.round as f64 / round.rounds_max.max(1) as f64;
        let event = Event::Metrics {
            epoch: round.round,
            total_epochs: round.rounds_max,
            candidate: (self.count > 1).then(|| self.name.to_owned()),
            metrics: round.metrics,
        };
        match self.reporter.event(event).and_then(|()| self.say(done)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(ended) => {
                self.ended = Some(ended);
                ControlFlow::Break(())
            }
        }
    }

    #[allow(clippy::cast_precision_loss)] // numbers of candidates
    fn say(&mut self, done: f64) -> Result<(), Ended> {
        let message = format!("training {}, {} of {}", self.name, self.number + 1, self.count);
        self.reporter.progress((self.number as f64 + done) / self.count as f64, &message)
    }
}

/// The name of what the search compares.
pub fn compared(material: &Material<'_>) -> &'static str {
    score::name(material.classes)
}
