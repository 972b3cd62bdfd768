//! Lines for the parent: how far the run is, and what it found.

use super::ended::Ended;
use super::stop::Stop;
use crate::event::{Event, Level, Phase};
use crate::job::{Candidate, Line};
use serde_json::{Map, Value};
use std::io::Write;
use std::time::{Duration, Instant};

/// How long nothing is said of progress within a stage.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// The most bytes of a message.
const MESSAGE_BYTES_MAX: usize = 2_000;

/// How long progress must have been watched before it tells when the end will come.
const ETA_AFTER: Duration = Duration::from_secs(1);

/// The stages and at what per cent of the whole run each begins.
const BEGINNINGS: [(Phase, f64); 5] = [
    (Phase::DataValidation, 0.0),
    (Phase::Preprocessing, 5.0),
    (Phase::AlgorithmSearch, 10.0),
    (Phase::Evaluation, 88.0),
    (Phase::ArtifactUpload, 97.0),
];

/// Says how a run is doing.
pub struct Reporter<W> {
    out: W,
    stop: Stop,
    phase: usize,
    started: Instant,
    phase_started: Instant,
    said: Option<Instant>,
    /// Wall seconds by stage.
    seconds: Map<String, Value>,
}

impl<W: Write + Send> Reporter<W> {
    /// Nothing was said yet.
    pub fn new(out: W, stop: Stop) -> Self {
        let now = Instant::now();
        Self { out, stop, phase: 0, started: now, phase_started: now, said: None, seconds: Map::new() }
    }

    /// Begins a stage.
    pub fn phase(&mut self, phase: Phase, message: &str) -> Result<(), Ended> {
        self.end_phase();
        self.phase = BEGINNINGS.iter().position(|(of, _)| *of == phase).unwrap_or_default();
        self.said = None;
        self.progress(0.0, message)
    }

    /// How much of the stage is done, from 0 to 1; said now and then.
    ///
    /// # Errors
    /// Somebody asked for the end, or nobody listens any more.
    pub fn progress(&mut self, done: f64, message: &str) -> Result<(), Ended> {
        if self.stop.flow().is_break() {
            return Err(Ended::Cancelled);
        }
        if self.said.is_some_and(|said| said.elapsed() < PROGRESS_EVERY) {
            return Ok(());
        }
        self.said = Some(Instant::now());
        let (phase, begin) = BEGINNINGS[self.phase];
        let end = BEGINNINGS.get(self.phase + 1).map_or(100.0, |(_, begin)| *begin);
        let progress = begin + (end - begin) * done.clamp(0.0, 1.0);
        let elapsed = self.started.elapsed();
        let is_known = elapsed > ETA_AFTER && self.phase >= 2 && done > 0.0;
        let eta_seconds = is_known.then(|| elapsed.as_secs_f64() * (100.0 - progress) / progress);
        self.event(Event::Progress { phase, progress, message: message.into(), eta_seconds })
    }

    /// A line of the log.
    pub fn log(&mut self, level: Level, message: &str) -> Result<(), Ended> {
        let end = (0..=MESSAGE_BYTES_MAX.min(message.len())).rev().find(|&end| message.is_char_boundary(end));
        let message = message[..end.unwrap_or_default()].replace(['\n', '\r'], " ");
        self.event(Event::Log { level, message })
    }

    /// An event.
    pub fn event(&mut self, event: Event) -> Result<(), Ended> {
        self.line(&Line::Event(event))
    }

    /// A row of the leaderboard.
    pub fn candidate(&mut self, candidate: &Candidate) -> Result<(), Ended> {
        self.line(&Line::Candidate(candidate.clone()))
    }

    /// Ends the last stage; tells the wall seconds of all.
    pub fn finish(mut self) -> Map<String, Value> {
        self.end_phase();
        self.seconds
    }

    fn end_phase(&mut self) {
        if self.said.is_some() {
            let (phase, _) = BEGINNINGS[self.phase];
            if let Ok(Value::String(name)) = serde_json::to_value(phase) {
                self.seconds.insert(name, self.phase_started.elapsed().as_secs_f64().into());
            }
        }
        self.phase_started = Instant::now();
    }

    fn line(&mut self, line: &Line) -> Result<(), Ended> {
        let mut line = serde_json::to_vec(line).map_err(Ended::unwritable)?;
        line.push(b'\n');
        // Nobody to tell: the parent has ended, and so does this.
        self.out.write_all(&line).and_then(|()| self.out.flush()).map_err(|_| Ended::Cancelled)
    }
}
