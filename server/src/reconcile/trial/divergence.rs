//! How far the answers of a version are others than those of the version before, to the same requests.

use super::bounds::Mean;
use super::comparison::{Cause, Limits};
use crate::config::SwapConfig;
use crate::reconcile::gate::Agreed;
use serde::Serialize;

/// No two numbers are further apart than this, as a share of 1 or of the larger of both.
const APART_MAX: f64 = 2.0;

/// How far answers may be others, each as a share of the most; `None`: however far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tolerated {
    /// The share of a request's labels that differ.
    pub labels: Option<f64>,
    /// How far a request's numbers are apart on average.
    pub scores: Option<f64>,
}

impl Tolerated {
    /// As configured.
    pub fn of(config: &SwapConfig) -> Self {
        let limit = |percent: u64, most: f64| {
            let share = percent as f64 / 100.0 / most;
            (config.watch_divergence && share < 1.0).then_some(share)
        };
        Self {
            labels: limit(config.labels_differ_percent_max, 1.0),
            scores: limit(config.scores_differ_percent_max, APART_MAX),
        }
    }

    /// How many limits there are.
    pub fn limits(&self) -> usize {
        usize::from(self.labels.is_some()) + usize::from(self.scores.is_some())
    }
}

/// What was found of requests that both versions have answered. Each request counts the same, however many rows it has: its
/// rows need not be independent of one another.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Divergence {
    /// Requests that both have answered.
    pub requests: u64,
    labels: Mean,
    scores: Mean,
}

/// What the answers are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What is equal or not.
    Labels,
    /// What is near or far.
    Scores,
}

/// That a version answers otherwise than is tolerated, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diverging {
    /// Always [`Cause::Divergence`].
    pub cause: Cause,
    /// In what.
    pub part: Part,
    /// Requests that have such parts.
    pub requests: u64,
    /// The share of labels that differ, or how far numbers are apart as a share of 1 or of the larger one, as it was found.
    pub share: f64,
    /// It is at least this much.
    pub bound: f64,
    /// It may be this much.
    pub limit: f64,
}

impl Divergence {
    /// Adds a request.
    pub fn add(&mut self, agreed: &Agreed) {
        self.requests += 1;
        // What has another form, or is no number where one was, is as far from the answer as it can be.
        if agreed.reshaped + agreed.not_finite > 0 {
            self.labels.add(1.0);
            self.scores.add(1.0);
            return;
        }
        if agreed.labels > 0 {
            self.labels.add(agreed.labels_different as f64 / agreed.labels as f64);
        }
        if agreed.scores > 0 {
            self.scores.add(agreed.scores_apart / agreed.scores as f64 / APART_MAX);
        }
    }

    /// The share of labels that differ; `None` while there are none.
    pub fn labels_apart(&self) -> Option<f64> {
        (self.labels.of > 0).then(|| self.labels.found())
    }

    /// How far numbers are apart on average; `None` while there are none.
    pub fn scores_apart(&self) -> Option<f64> {
        (self.scores.of > 0).then(|| self.scores.found() * APART_MAX)
    }

    /// Whether the answers are surely further apart than is tolerated: wrongly so with a probability of at most the risk of each
    /// limit, however often this is asked.
    pub fn beyond(&self, limits: &Limits) -> Option<Diverging> {
        let risk = limits.risk_of_each();
        let beyond = |part, mean: Mean, (limit, most): (Option<f64>, f64)| {
            let limit = limit.filter(|limit| mean.found() > *limit)?;
            let bound = mean.least(risk);
            let scaled = |share: f64| share * most;
            (bound > limit).then(|| Diverging {
                cause: Cause::Divergence,
                part,
                requests: mean.of,
                share: scaled(mean.found()),
                bound: scaled(bound),
                limit: scaled(limit),
            })
        };
        beyond(Part::Labels, self.labels, (limits.tolerated.labels, 1.0))
            .or_else(|| beyond(Part::Scores, self.scores, (limits.tolerated.scores, APART_MAX)))
    }
}

impl Diverging {
    /// In a sentence.
    pub fn sentence(&self, version_before: u64) -> String {
        let Self { requests, share, limit, .. } = self;
        let (found, allowed) = (100.0 * share, 100.0 * limit);
        match self.part {
            Part::Labels => format!(
                "{found:.2} % of the labels are others than those of version {version_before} in {requests} requests that both \
                 answered, and {allowed} % are allowed"
            ),
            Part::Scores => format!(
                "its numbers are {found:.2} % apart from those of version {version_before} on average in {requests} requests that \
                 both answered, and {allowed} % are allowed"
            ),
        }
    }
}
