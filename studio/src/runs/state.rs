//! What a run's frames come to: the state that a reader begins with. A pure fold, so that everybody who has read the same
//! frames has the same state.

use super::frame::{Frame, Wire};
use super::series::{Arrays, Series};
use crate::event::{Event, Level, Phase};
use crate::job::Candidate;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::Run;
use servoir_types::{RunId, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// Lines of the log that a snapshot has.
const LOG_LINES: usize = 50;
/// Points that a snapshot's series have.
const SNAPSHOT_POINTS: usize = 200;

/// The state of a run after some of its frames.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The number of the last frame that it includes.
    pub seq: i64,
    /// The newest progress.
    progress: Option<Progress>,
    /// Which candidate the series are of.
    candidate: Option<String>,
    /// When it is not `None`, metrics of other candidates are passed over.
    only: Option<String>,
    series: Series,
    total_epochs: u64,
    logs: VecDeque<Line>,
    end: Option<End>,
    at: Option<Timestamp>,
    /// It was running before its first frame.
    external: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Progress {
    phase: Phase,
    progress: f64,
    message: String,
    eta_seconds: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Line {
    seq: i64,
    timestamp: Timestamp,
    level: Level,
    message: String,
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    Complete { version_id: Option<String>, metrics: Map<String, Value> },
    Failed { code: String, message: String },
    Cancelled,
}

/// A snapshot's fields.
#[derive(Serialize)]
struct Snapshot<'a> {
    status: &'static str,
    phase: Option<Phase>,
    progress: f64,
    message: &'a str,
    eta_seconds: Option<f64>,
    candidate: Option<&'a str>,
    epochs_completed: u64,
    total_epochs: u64,
    epochs: Vec<u64>,
    metrics: BTreeMap<String, Vec<Option<f64>>>,
    logs: &'a VecDeque<Line>,
    leaderboard: &'a [Candidate],
    version_id: Option<&'a str>,
    final_metrics: Option<&'a Map<String, Value>>,
    failure: Option<FailureView<'a>>,
}

#[derive(Serialize)]
struct FailureView<'a> {
    code: &'a str,
    message: &'a str,
}

impl State {
    /// The state of a run before its first frame.
    pub fn before(run: &Run) -> Self {
        Self { at: Some(run.created_at), external: run.external, ..Self::default() }
    }

    /// A state before any frame that keeps the metrics of one candidate of a search alone.
    pub fn of_candidate(name: &str) -> Self {
        Self { only: Some(name.to_owned()), ..Self::default() }
    }

    /// Takes the next frame.
    pub fn apply(&mut self, frame: &Frame) {
        (self.seq, self.at) = (frame.seq, Some(frame.at));
        match &frame.event {
            Event::Progress { phase, progress, message, eta_seconds } => {
                // Never falling, whoever reports it.
                let reached = self.progress.as_ref().map_or(0.0, |before| before.progress);
                self.progress = Some(Progress {
                    phase: *phase,
                    progress: progress.max(reached),
                    message: message.clone(),
                    eta_seconds: *eta_seconds,
                });
            }
            Event::Metrics { epoch, total_epochs, candidate, metrics } => {
                if self.only.is_some() && self.only != *candidate {
                    return;
                }
                if self.candidate != *candidate {
                    (self.series, self.candidate) = (Series::default(), candidate.clone());
                }
                self.total_epochs = *total_epochs;
                self.series.push(*epoch, metrics);
            }
            Event::Log { level, message } => {
                if self.logs.len() == LOG_LINES {
                    self.logs.pop_front();
                }
                let message = message.clone();
                self.logs.push_back(Line { seq: frame.seq, timestamp: frame.at, level: *level, message });
            }
            Event::Complete { version_id, metrics } => {
                self.end = Some(End::Complete { version_id: version_id.clone(), metrics: metrics.clone() });
            }
            Event::Failed { code, message } => {
                self.end = Some(End::Failed { code: code.clone(), message: message.clone() });
            }
            Event::Cancelled => self.end = Some(End::Cancelled),
        }
    }

    /// Whether the last frame has been taken.
    pub fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// As the API writes it: a run without frames is queued.
    pub fn status(&self) -> &'static str {
        match &self.end {
            None if self.seq == 0 && !self.external => "queued",
            None => "running",
            Some(End::Complete { .. }) => "completed",
            Some(End::Failed { .. }) => "failed",
            Some(End::Cancelled) => "cancelled",
        }
    }

    /// The series: at most `resolution` points, of one metric or of all.
    pub fn arrays(&self, resolution: usize, only: Option<&str>) -> Arrays {
        self.series.arrays(resolution, only)
    }

    /// How many epochs are done, and how many there will be at most.
    pub fn epochs(&self) -> (u64, u64) {
        (self.series.last_epoch().unwrap_or(0), self.total_epochs)
    }

    /// The stage and how far the whole run is, in per cent.
    pub fn progress(&self) -> (Option<Phase>, f64) {
        self.progress.as_ref().map_or((None, 0.0), |progress| (Some(progress.phase), progress.progress))
    }

    /// The snapshot frame. Its number is that of the last frame that it includes.
    ///
    /// # Errors
    /// When it has no JSON form, which cannot be.
    pub fn snapshot(&self, run: &RunId, leaderboard: &[Candidate]) -> Result<Bytes, serde_json::Error> {
        let Arrays { epochs, metrics } = self.arrays(SNAPSHOT_POINTS, None);
        let (epochs_completed, total_epochs) = self.epochs();
        let progress = self.progress.as_ref();
        let (version_id, final_metrics, failure) = match &self.end {
            Some(End::Complete { version_id, metrics }) => (version_id.as_deref(), Some(metrics), None),
            Some(End::Failed { code, message }) => (None, None, Some(FailureView { code, message })),
            Some(End::Cancelled) | None => (None, None, None),
        };
        let (phase, percent) = self.progress();
        let body = Snapshot {
            status: self.status(),
            phase,
            progress: percent,
            message: progress.map_or("", |progress| &progress.message),
            eta_seconds: progress.and_then(|progress| progress.eta_seconds),
            candidate: self.candidate.as_deref(),
            epochs_completed,
            total_epochs,
            epochs,
            metrics,
            logs: &self.logs,
            leaderboard,
            version_id,
            final_metrics,
            failure,
        };
        let timestamp = self.at.unwrap_or_else(Timestamp::now);
        serde_json::to_vec(&Wire { seq: self.seq, r#type: "snapshot", run_id: run, timestamp, body }).map(Into::into)
    }
}
