//! What should be running.

mod breaking;
mod rollout;
mod row;
mod withdraw;

pub use breaking::Breaking;
pub(crate) use rollout::require_ready;
pub use withdraw::{Finding, OnTrial};

use crate::error::Result;
use crate::registry::Registry;
use serde::{Deserialize, Serialize};
use servoir_types::{Digest, ModelId, Name, Timestamp};

/// How a version is to be served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// Which version.
    pub version: i64,
    /// `auto`, `cpu`, or a profile id of `GET /hardware`.
    pub hardware: String,
    /// Instances of the model.
    pub replicas: u32,
    /// As the API takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// The most rows that run together; `None`: chosen by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_size: Option<u32>,
    /// How long a request may wait for company, in milliseconds.
    #[serde(default)]
    pub max_queue_delay_ms: f64,
    /// The latency that the deployment should keep to, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_target_ms: Option<f64>,
    /// What was said of how it is to run; the rest is measured.
    #[serde(default, skip_serializing_if = "Tuning::is_empty")]
    pub tuning: Tuning,
}

/// How a version is to run, as far as somebody says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// `onnxruntime`, `tract` or `trees`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// Sessions, each with a thread that feeds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Threads that a run may use inside the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The most rows of a request that runs on the thread that reads it; 0: none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_rows_max: Option<u32>,
}

impl Tuning {
    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Bounds for the number of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Autoscaling {
    pub enabled: bool,
    pub min_replicas: u32,
    pub max_replicas: u32,
    /// Per cent.
    pub target_cpu_utilization: f64,
}

/// How a new version comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// All requests at once; ends a canary and a shadow.
    Swap,
    /// The same for what is deployed already, and the version is the model's promoted one from then on.
    Promotion,
    /// This share of the requests, in per cent from 1 to 99, beside what is live.
    Canary(u8),
    /// A copy of the requests; answers thrown away.
    Shadow,
}

/// How a new version comes in, and whether it may break callers.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// How it comes in.
    pub strategy: Strategy,
    /// What becomes of changes that break callers.
    pub breaking: Breaking,
}

impl From<Strategy> for Rollout {
    /// Breaking nobody.
    fn from(strategy: Strategy) -> Self {
        Self { strategy, breaking: Breaking::Refused }
    }
}

/// A version that the server took down by itself, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Which.
    pub version: i64,
    /// What was found of it, as the audit has it.
    pub evidence: serde_json::Value,
}

/// What should be running for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// The model.
    pub model: ModelId,
    /// Its organization.
    pub organization: String,
    /// Its name now.
    pub name: Name,
    /// Grows with each change of what should run, over all models.
    pub generation: i64,
    /// What answers, and its artifact.
    pub primary: Placed,
    /// What was live before, for a rollback.
    pub previous: Option<Placed>,
    /// A share of the requests, in per cent.
    pub canary: Option<(u8, Placed)>,
    /// A copy of the requests.
    pub shadow: Option<Placed>,
    /// When the primary became it.
    pub deployed_at: Timestamp,
    /// Whether the primary came back instead of coming in.
    pub by_rollback: bool,
    /// Which of the versions were put live with force.
    pub forced: Forced,
    /// What the server has taken down by itself since somebody last decided anything.
    pub rolled_back: Option<RolledBack>,
}

/// Which versions were put live with force: what they answer is not held against them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forced {
    /// The one that answers.
    pub primary: bool,
    /// The one that takes a share.
    pub canary: bool,
}

/// A deployment's version with what is needed to load it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// How.
    pub spec: DeploymentSpec,
    /// What.
    pub digest: Digest,
    /// The artifact's format.
    pub format: String,
}

impl Registry {
    /// What should run for a model, if anything.
    pub async fn deployment(&self, model: &ModelId) -> Result<Option<Deployment>> {
        row::select_one(&mut *self.database().read().await?, model).await
    }

    /// What should run, over all organizations, by model id.
    pub async fn deployments(&self) -> Result<Vec<Deployment>> {
        row::select_all(&mut *self.database().read().await?).await
    }
}
