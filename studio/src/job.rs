//! What a run's child process is told, and what it leaves behind.
//!
//! The child reads one [`Job`] as JSON from standard input, writes one [`Line`] as JSON per line to standard output, and
//! puts the files named here into the job's output folder. The folder is complete when `outcome.json` is there, which is
//! written last and moved into place.

use crate::config::{Algorithm, TrainConfig};
use crate::event::Event;
use crate::task::Task;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The trained model with its preparation, as ONNX.
pub const MODEL_ONNX: &str = "model.onnx";
/// Trees in XGBoost's own form (UBJSON), without the preparation; absent for linear models.
pub const MODEL_NATIVE: &str = "model.ubj";
/// An [`Outcome`].
pub const OUTCOME: &str = "outcome.json";
/// One evaluation per split: `evaluation-train.json`, `evaluation-validation.json`, `evaluation-test.json`.
pub const EVALUATION: &str = "evaluation";
/// Feature importance by every method.
pub const IMPORTANCE: &str = "importance.json";
/// The baseline profile of the training rows and of the model's answers to them.
pub const BASELINE: &str = "baseline.json";

/// What a child process is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// A local file, its digest checked already.
    pub dataset: PathBuf,
    /// How the file is to be read.
    pub format: DataFormat,
    /// What the model is to say.
    pub task: Task,
    /// Everything else about the training.
    pub config: TrainConfig,
    /// An empty folder.
    pub output: PathBuf,
    /// Threads of the learner.
    pub threads: usize,
    /// The most memory that the process may ask for, in bytes.
    pub memory_bytes_max: u64,
    /// How far the process steps back behind others, from 0 to 19.
    pub nice: i32,
    /// What trains in the place of the learners here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
}

/// A script of the model's owner, which trains in the place of the learners here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Script {
    /// The program that runs scripts, with its arguments; the script's path follows.
    pub command: Vec<String>,
    /// The folder with the script and the files that belong to it.
    pub folder: PathBuf,
    /// The script's name in the folder.
    pub file: String,
    /// The most seconds of a processor that it may use.
    pub cpu_seconds_max: u64,
}

/// How a dataset's file is to be read, as it was found out when it was uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case")]
pub enum DataFormat {
    /// Text, perhaps compressed.
    Csv {
        /// `gzip`, `zstd`, or not at all.
        compression: Option<Compression>,
        /// Between fields: `,`, `;`, tab or `|`.
        delimiter: u8,
        /// Whether the first row names the columns.
        header: bool,
        /// By column.
        types: Vec<crate::table::ColumnType>,
    },
    /// Apache Parquet.
    Parquet,
}

/// How a text file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Compression {
    Gzip,
    Zstd,
}

/// A line of the child's standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// For those who follow the run.
    Event(Event),
    /// A row of the leaderboard, kept with the run.
    Candidate(Candidate),
}

/// A candidate of a search, when it has been trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Such as `gradient_boosting-3`; `baseline` is a model that always says the same.
    pub name: String,
    /// The learner; none for the baseline.
    pub algorithm: Option<Algorithm>,
    /// Every one, defaults filled in.
    pub hyperparameters: Map<String, Value>,
    /// What the search compares: `log_loss` or `rmse` on the validation rows; smaller is better.
    pub score: f64,
    /// The other numbers of the validation rows.
    pub metrics: Map<String, Value>,
    /// Wall time of the training.
    pub training_seconds: f64,
    /// Time to predict the validation rows, divided by their number.
    pub prediction_micros_per_row: f64,
    /// Rounds or iterations that were kept.
    pub rounds: u64,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// The learner that won; none when a script trained.
    pub algorithm: Option<Algorithm>,
    /// The file of the output folder that is the model.
    pub model: String,
    /// Every one, defaults filled in.
    pub hyperparameters: Map<String, Value>,
    /// Of the test rows: what the version shows.
    pub metrics: Map<String, Value>,
    /// By score, best first, the baseline among them.
    pub leaderboard: Vec<Candidate>,
    /// The features that were used, in the model's order.
    pub features: Vec<String>,
    /// A classifier's classes in the order of its probabilities.
    pub classes: Vec<String>,
    /// How many rows trained, chose and judged.
    pub rows: Rows,
    /// Wall seconds by stage.
    pub stage_seconds: Map<String, Value>,
    /// Whether the search ended because its time was over, so that another machine might find another model.
    pub search_cut_short: bool,
}

/// How many rows each part has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Rows {
    pub train: usize,
    pub validation: usize,
    pub test: usize,
}
