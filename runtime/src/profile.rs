//! What a model costs on this machine, measured when it is loaded, and how it is therefore run.

mod choose;
mod contest;
mod hardware;
mod measure;

pub use hardware::fingerprint;
pub use measure::{Measured, ProfileOptions, measure};

use crate::device::Device;
use crate::engine::EngineName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// What was measured of a model on one machine, and what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The machine and the engines that it was measured on; see [`fingerprint`].
    pub hardware: String,
    /// One for each engine and way to share the cores.
    pub curves: Vec<Curve>,
    /// What was not measured, and why.
    pub left_out: Vec<String>,
}

impl Profile {
    /// The numbers of rows, of at most `batch_rows_max` and more than one, that were measured of a way to run the model.
    pub fn sizes(
        &self,
        (engine, device): (EngineName, Device),
        (threads, batch_rows_max): (usize, usize),
    ) -> BTreeSet<usize> {
        let is_of =
            |curve: &&Curve| (curve.engine.as_str(), curve.device, curve.threads) == (engine.as_str(), device, threads);
        let sizes = self.curves.iter().filter(is_of).flat_map(|curve| &curve.points).map(|point| point.rows);
        sizes.filter(|rows| (2..=batch_rows_max).contains(rows)).collect()
    }

    /// What was measured of that way to run the model, by rows; nothing when it was not measured.
    pub(crate) fn points(&self, (engine, device): (EngineName, Device), threads: usize) -> &[Point] {
        let is_of =
            |curve: &&Curve| (curve.engine.as_str(), curve.device, curve.threads) == (engine.as_str(), device, threads);
        self.curves.iter().find(is_of).map_or(&[], |curve| &curve.points)
    }

    /// How the model is best run: on `engine`, when one is wanted, and with `latency_target` in mind. `None` when nothing
    /// was measured that would tell.
    pub fn choose(&self, engine: Option<EngineName>, latency_target: Option<Duration>) -> Option<Choice> {
        let of_engine = |curve: &&Curve| engine.is_none_or(|engine| engine.as_str() == curve.engine);
        choose::choose(self.curves.iter().filter(of_engine), latency_target)
    }

    /// Why the model runs on that engine and device, in one sentence: what it answers there in runs of at most so many rows, and what
    /// the best elsewhere does, both within the latency target where there is one. `None` when that way was not measured.
    pub fn why(&self, (engine, device): (EngineName, Device), limits: (usize, Option<Duration>)) -> Option<String> {
        choose::why(&self.curves, (engine.as_str(), device), limits)
    }
}

/// What runs cost on one engine with the cores shared in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Curve {
    /// `onnxruntime`, `tract` or `trees`.
    pub engine: String,
    /// Where; runs there include the way of inputs and outputs there and back.
    #[serde(default)]
    pub device: Device,
    /// Sessions at work at the same time.
    pub instances: usize,
    /// Threads that a run may use.
    pub threads: usize,
    /// By rows, ascending.
    pub points: Vec<Point>,
}

/// What runs of one size cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Rows of a run.
    pub rows: usize,
    /// Time of a run while all instances are at work, in microseconds.
    pub micros: f64,
    /// Rows per second of all instances together.
    pub rows_per_second: f64,
}

/// How a model is run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// `onnxruntime`, `tract` or `trees`.
    pub engine: String,
    /// Where.
    #[serde(default)]
    pub device: Device,
    /// Sessions, each with a thread that feeds it.
    pub instances: usize,
    /// Threads that a run may use.
    pub threads: usize,
    /// The most rows that run together.
    pub batch_rows_max: usize,
}
