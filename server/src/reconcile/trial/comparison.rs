//! Comparing a version with the one before, by what both have done.

use super::bounds::Share;
use super::costs::{Compared, Costs};
use super::divergence::Tolerated;
use super::observation::Observation;
use serde::Serialize;

/// By so much the share of requests that fail must be higher to be worth a rollback.
const ERRORS_MORE_MIN: f64 = 0.01;
/// By so much the share of slow stretches must be higher.
const SLOW_MORE_MIN: f64 = 0.1;
/// So many stretches of the version before say what its runs cost; the others, how often it is slow by its own measure.
const REFERENCE_STRETCHES: usize = 10;
/// Shares that are bounded for one decision: that of errors and that of slow stretches, before and after.
const BOUNDS: usize = 4;

/// What is worse by how much, and how surely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The probability with which a version that is no worse may be found worse, at any moment of its trial.
    pub risk: f64,
    /// A stretch is slow when its runs took this many times as long.
    pub slower: f64,
    /// How far its answers may be others.
    pub tolerated: Tolerated,
}

impl Limits {
    /// The part of the risk that each bound gets.
    pub fn risk_of_each(&self) -> f64 {
        self.risk / (BOUNDS + self.tolerated.limits()) as f64
    }
}

/// What the version before has done.
#[derive(Debug, Clone, Default)]
pub struct Before {
    costs: Costs,
    referred: usize,
    errors: Share,
    slow: Share,
}

/// What the version on trial has done.
#[derive(Debug, Clone, Default)]
pub struct After {
    errors: Share,
    slow: Share,
    compared: Compared,
}

/// Why a version is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// It fails to answer more often.
    Errors,
    /// Its runs take longer.
    Latency,
    /// It answers otherwise.
    Divergence,
}

/// That a version is worse, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worse {
    /// In what.
    pub cause: Cause,
    /// Requests of the version before that failed, or its stretches that were slow.
    pub before: Bounded,
    /// The same of the version on trial.
    pub after: Bounded,
    /// By how much the lower bound after had to be above the upper one before.
    pub margin: f64,
    /// How many times as long the runs took; `None` when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowdown: Option<f64>,
}

/// A share with the bound that was decided by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounded {
    /// Requests that failed, or stretches that were slow.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// The share as it was found.
    pub share: f64,
    /// At most this much before, at least this much after.
    pub bound: f64,
}

impl Cause {
    /// `errors`, `latency` or `divergence`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Divergence => "divergence",
        }
    }
}

impl Before {
    /// Adds a stretch.
    pub fn add(&mut self, observation: &Observation, limits: &Limits) {
        self.errors.add(observation.errors, observation.requests);
        if self.referred < REFERENCE_STRETCHES {
            self.costs.add(observation);
            self.referred += usize::from(!observation.runs.is_empty());
        } else if let Some(compared) = self.costs.compare(observation) {
            self.slow.add(u64::from(compared.is_slower(limits.slower)), 1);
        }
    }
}

impl After {
    /// Adds a stretch.
    pub fn add(&mut self, observation: &Observation, before: &Before, limits: &Limits) {
        self.errors.add(observation.errors, observation.requests);
        let compared = before.costs.compare(observation).filter(|_| before.referred == REFERENCE_STRETCHES);
        if let Some(compared) = compared {
            self.slow.add(u64::from(compared.is_slower(limits.slower)), 1);
            self.compared.add(&compared);
        }
    }

    /// Whether the version is worse than the one before. It is found so wrongly with a probability of at most `limits.risk`,
    /// however often this is asked: two pairs of bounds, each of which holds at every moment but for its part of it.
    pub fn worse_than(&self, before: &Before, limits: &Limits) -> Option<Worse> {
        let risk = limits.risk_of_each();
        let compare = |cause, (before, after): (Share, Share), margin: f64| {
            // What was found lies within the bounds: this spares looking for them.
            if after.found() <= before.found() + margin {
                return None;
            }
            let (most, least) = (before.bounds(risk).1, after.bounds(risk).0);
            let bounded =
                |share: Share, bound| Bounded { count: share.hits, of: share.of, share: share.found(), bound };
            (least > most + margin).then(|| Worse {
                cause,
                before: bounded(before, most),
                after: bounded(after, least),
                margin,
                slowdown: (self.compared.runs > 0).then(|| self.compared.took / self.compared.expected),
            })
        };
        compare(Cause::Errors, (before.errors, self.errors), ERRORS_MORE_MIN)
            .or_else(|| compare(Cause::Latency, (before.slow, self.slow), SLOW_MORE_MIN))
    }
}

impl Worse {
    /// In a sentence.
    pub fn sentence(&self, version_before: u64) -> String {
        let (before, after) = (self.before, self.after);
        match self.slowdown.filter(|_| self.cause == Cause::Latency) {
            None => format!(
                "{} of {} requests failed; of version {version_before} it was {} of {}",
                after.count, after.of, before.count, before.of
            ),
            Some(slowdown) => format!(
                "its runs took {:.1} times as long as those of version {version_before}: too long in {} of {} stretches, \
                 where it was {} of {} before",
                slowdown, after.count, after.of, before.count, before.of
            ),
        }
    }
}
