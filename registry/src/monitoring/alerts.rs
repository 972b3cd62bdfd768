//! Alerts: what is raised, what was, and the state between analyses of what may be.

mod change;
mod list;

pub use change::{AlertStep, AlertSubject};
pub use list::{AlertFilter, RaisedAlerts};

use super::{model_id, optional_time, time};
use crate::error::{RegistryError, Result};
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum AlertSeverity {
    Low,
    Medium,
    High,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum AlertStatus {
    Raised,
    Acknowledged,
    Cleared,
}

impl AlertSeverity {
    /// Each with its word.
    pub const ALL: &[(&str, Self)] = &[("low", Self::Low), ("medium", Self::Medium), ("high", Self::High)];

    /// Its word.
    pub fn text(self) -> &'static str {
        word(Self::ALL, self)
    }
}

impl AlertStatus {
    /// Each with its word.
    pub const ALL: &[(&str, Self)] =
        &[("raised", Self::Raised), ("acknowledged", Self::Acknowledged), ("cleared", Self::Cleared)];

    /// Its word.
    pub fn text(self) -> &'static str {
        word(Self::ALL, self)
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], of: T) -> &'static str {
    words.iter().find(|(_, value)| *value == of).map_or("", |(word, _)| word)
}

/// An alert: one row from when it is raised to when it is cleared, and then its history.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// `alert_…`.
    pub id: String,
    /// Whose.
    pub model: ModelId,
    /// Of which version.
    pub version: i64,
    /// What it is about: `drift`, `feature:NAME`, ….
    pub subject: String,
    /// How bad it has been.
    pub severity: AlertSeverity,
    /// Where it stands.
    pub status: AlertStatus,
    /// The value that decided last.
    pub value: Option<f64>,
    /// The threshold that it was compared with.
    pub threshold: Option<f64>,
    /// A sentence for people.
    pub message: String,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When somebody said that they had seen it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// When it was over.
    pub cleared_at: Option<Timestamp>,
}

/// An alert's columns, in every statement that gives alerts back.
macro_rules! alert_columns {
    () => {
        "id, model, version, subject, severity, status, value, threshold, message, raised_at, acknowledged_at, \
         acknowledged_by, cleared_at"
    };
}
use alert_columns;

fn alert(row: &AnyRow) -> Result<Alert> {
    Ok(Alert {
        id: row.try_get("id")?,
        model: model_id(row)?,
        version: row.try_get("version")?,
        subject: row.try_get("subject")?,
        severity: severity(row)?,
        status: one_of(AlertStatus::ALL, row, "status")?,
        value: row.try_get("value")?,
        threshold: row.try_get("threshold")?,
        message: row.try_get("message")?,
        raised_at: time(row, "raised_at")?,
        acknowledged_at: optional_time(row, "acknowledged_at")?,
        acknowledged_by: row.try_get("acknowledged_by")?,
        cleared_at: optional_time(row, "cleared_at")?,
    })
}

fn severity(row: &AnyRow) -> Result<AlertSeverity> {
    one_of(AlertSeverity::ALL, row, "severity")
}

fn one_of<T: Copy>(words: &[(&str, T)], row: &AnyRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| RegistryError::Inconsistent(format!("{column} '{text}' of an alert")))
}
