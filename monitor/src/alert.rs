//! Alerts: what analysis after analysis comes to, without a flutter at every threshold.

use crate::analysis::{Severity, Status};
use serde::{Deserialize, Serialize};
use servoir_types::Timestamp;

/// How many analyses in a row it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Hysteresis {
    /// To raise an alert.
    pub raise_after: u32,
    /// To clear it.
    pub clear_after: u32,
    /// Whether a warning counts, or an alert alone.
    pub on_warning: bool,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self { raise_after: 2, clear_after: 2, on_warning: false }
    }
}

/// What an analysis says of the one thing that an alert is about: a version, a feature, or a metric of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// How it is doing.
    pub status: Status,
    /// How bad it is.
    pub severity: Severity,
    /// The value that decided.
    pub value: Option<f64>,
    /// The threshold that it was compared with.
    pub threshold: Option<f64>,
}

/// An alert as it is now; kept between analyses, and over a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertState {
    /// Whether it is raised, and how bad it has been.
    pub raised: Option<Severity>,
    /// Whether somebody has seen it; only of a raised one.
    pub acknowledged: bool,
    /// How many analyses in a row have said the opposite of what is the case.
    pub against: u32,
}

/// What happened to an alert: an entry of its history.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AlertEventKind,
    /// How bad it is.
    pub severity: Severity,
    /// The value that decided.
    pub value: Option<f64>,
    /// The threshold that it was compared with.
    pub threshold: Option<f64>,
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertEventKind {
    /// It was raised.
    Raised,
    /// It has become worse.
    Worsened,
    /// Somebody has seen it.
    Acknowledged,
    /// It is over.
    Cleared,
}

impl AlertState {
    /// Takes in an analysis. One that says nothing (no data, an error) changes nothing.
    pub fn observe(&mut self, hysteresis: Hysteresis, seen: &Observation) -> Option<AlertEvent> {
        let is_bad = match seen.status {
            Status::NoData | Status::Error => return None,
            Status::Ok => false,
            Status::Warning => hysteresis.on_warning,
            Status::Alert => true,
        };
        let event = |kind, severity| {
            Some(AlertEvent { at: seen.at, kind, severity, value: seen.value, threshold: seen.threshold })
        };
        match self.raised {
            Some(severity) if is_bad => {
                self.against = 0;
                if seen.severity <= severity {
                    return None;
                }
                self.raised = Some(seen.severity);
                self.acknowledged = false;
                event(AlertEventKind::Worsened, seen.severity)
            }
            None if !is_bad => {
                self.against = 0;
                None
            }
            Some(severity) => {
                self.against += 1;
                if self.against < hysteresis.clear_after.max(1) {
                    return None;
                }
                *self = Self::default();
                event(AlertEventKind::Cleared, severity)
            }
            None => {
                self.against += 1;
                if self.against < hysteresis.raise_after.max(1) {
                    return None;
                }
                *self = Self { raised: Some(seen.severity), ..Self::default() };
                event(AlertEventKind::Raised, seen.severity)
            }
        }
    }

    /// Somebody has seen it. Nothing happens when it is not raised, or was seen before.
    pub fn acknowledge(&mut self, at: Timestamp) -> Option<AlertEvent> {
        let severity = self.raised.filter(|_| !self.acknowledged)?;
        self.acknowledged = true;
        Some(AlertEvent { at, kind: AlertEventKind::Acknowledged, severity, value: None, threshold: None })
    }
}
