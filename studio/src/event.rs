//! What a run says while it goes on. An event, numbered and dated by whoever keeps it, is a frame.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The stages of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Phase {
    DataValidation,
    Preprocessing,
    AlgorithmSearch,
    Evaluation,
    ArtifactUpload,
}

/// How loud a line of a run's log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// What a run says. As JSON, the body of a frame without `seq`, `run_id` and `timestamp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// How far it is.
    Progress {
        /// The stage.
        phase: Phase,
        /// Per cent of the whole run, never falling.
        progress: f64,
        /// For a person.
        message: String,
        /// Seconds that are probably left; absent when nobody knows.
        eta_seconds: Option<f64>,
    },
    /// A round's numbers. A candidate of a search begins again at epoch 1.
    Metrics {
        /// From 1.
        epoch: u64,
        /// How many there will be at most.
        total_epochs: u64,
        /// Which candidate of a search, such as `gradient_boosting-3`; absent when there is only one, and in external runs.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        candidate: Option<String>,
        /// By name, such as `train_logloss`, `validation_logloss`. What is not finite is not sent.
        metrics: BTreeMap<String, f64>,
    },
    /// A line of the log.
    Log {
        /// How loud.
        level: Level,
        /// One line, bounded.
        message: String,
    },
    /// It has ended well.
    Complete {
        /// The version that it made; an external run may have made none.
        version_id: Option<String>,
        /// Of the test rows.
        metrics: Map<String, Value>,
    },
    /// It has ended badly.
    Failed {
        /// Stable, kebab-case: `interrupted`, `timed-out`, `out-of-memory`, `crashed`, or one of the worker's.
        code: String,
        /// For a person.
        message: String,
    },
    /// Somebody has stopped it.
    Cancelled,
}

impl Event {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Complete { .. } | Self::Failed { .. } | Self::Cancelled)
    }
}
