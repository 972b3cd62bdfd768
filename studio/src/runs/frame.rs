//! A frame: an event of a run with its number, the run and the time, as readers get it.

use crate::event::{Event, Level};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use servoir_registry::NewFrame;
use servoir_types::{RunId, Timestamp};

/// The most bytes of a line of a log, or of another text that a run says. Longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 2 * 1024;

/// A numbered event.
#[derive(Debug, Clone)]
pub struct Frame {
    /// From 1, without gaps.
    pub seq: i64,
    /// When it was said.
    pub at: Timestamp,
    /// What was said.
    pub event: Event,
    /// The frame as it is sent.
    pub text: Bytes,
}

/// A frame as JSON.
#[derive(Serialize)]
pub(super) struct Wire<'a, T> {
    pub(super) seq: i64,
    pub(super) r#type: &'a str,
    pub(super) run_id: &'a RunId,
    pub(super) timestamp: Timestamp,
    #[serde(flatten)]
    pub(super) body: T,
}

impl Frame {
    /// A frame of a run.
    ///
    /// # Errors
    /// When the event has no JSON form, which none of this crate's lacks.
    pub fn new(run: &RunId, seq: i64, at: Timestamp, event: Event) -> Result<Self, serde_json::Error> {
        let mut body = serde_json::to_value(&event)?;
        let kind = body.as_object_mut().and_then(|fields| fields.remove("type"));
        let kind = kind.as_ref().and_then(Value::as_str).unwrap_or_default();
        let text = serde_json::to_vec(&Wire { seq, r#type: kind, run_id: run, timestamp: at, body })?;
        Ok(Self { seq, at, event, text: text.into() })
    }

    /// A frame as the registry keeps it.
    ///
    /// # Errors
    /// When it is none of this crate's events.
    pub fn stored(run: &RunId, frame: servoir_registry::Frame) -> Result<Self, serde_json::Error> {
        Self::new(run, frame.sequence, frame.at, serde_json::from_value(frame.body)?)
    }
}

/// An event on its way to the registry, its texts cut to [`TEXT_BYTES_MAX`].
///
/// # Errors
/// When the event has no JSON form, which none of this crate's lacks.
pub fn unnumbered(at: Timestamp, event: &Event) -> Result<NewFrame, serde_json::Error> {
    let body = serde_json::to_value(event)?;
    let level = match event {
        Event::Log { level, .. } => Some(level_number(*level)),
        _ => None,
    };
    let kind = body["type"].as_str().unwrap_or_default().to_owned();
    Ok(NewFrame { at, kind, level, body })
}

/// A level as the registry keeps it.
pub const fn level_number(level: Level) -> i64 {
    match level {
        Level::Debug => 0,
        Level::Info => 1,
        Level::Warning => 2,
        Level::Error => 3,
    }
}

/// The beginning of a text, at most [`TEXT_BYTES_MAX`] bytes of it and on one line.
pub fn cut(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace(['\n', '\r', '\0'], " ")
}

/// An event whose texts and maps have a bounded size, and whose numbers are finite.
pub fn bounded(event: Event) -> Event {
    match event {
        Event::Progress { phase, progress, message, eta_seconds } => Event::Progress {
            phase,
            progress: if progress.is_finite() { progress.clamp(0.0, 100.0) } else { 0.0 },
            message: cut(&message),
            eta_seconds: eta_seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0),
        },
        Event::Metrics { epoch, total_epochs, candidate, metrics } => Event::Metrics {
            epoch,
            total_epochs,
            candidate: candidate.map(|name| cut(&name)),
            metrics: metrics
                .into_iter()
                .filter(|(name, value)| value.is_finite() && name.len() <= METRIC_NAME_BYTES_MAX)
                .take(METRICS_MAX)
                .collect(),
        },
        Event::Log { level, message } => Event::Log { level, message: cut(&message) },
        Event::Failed { code, message } => Event::Failed { code: cut(&code), message: cut(&message) },
        last @ (Event::Complete { .. } | Event::Cancelled) => last,
    }
}

/// The most metrics of a frame.
pub const METRICS_MAX: usize = 32;
/// The most bytes of a metric's name.
pub const METRIC_NAME_BYTES_MAX: usize = 128;
