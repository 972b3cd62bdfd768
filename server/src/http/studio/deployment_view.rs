//! A deployment as the Studio shows it: the registry's own view, in this dialect's names.

use crate::http::registry::deployment_view::{self as registry, Canary, RolledBack, Shadow, Tuning};
use serde::Serialize;
use servoir_runtime::Device;
use servoir_types::{ModelId, Timestamp, VersionId};
use utoipa::ToSchema;

/// What should run for a model, and how far this node has come with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioDeployment)]
pub struct Deployment {
    /// Where predictions are asked for.
    endpoint_url: String,
    /// Instances of the model.
    replicas: u32,
    /// As it was asked for: `auto`, or the id of a hardware profile.
    hardware: String,
    #[schema(value_type = String, format = DateTime)]
    deployed_at: Timestamp,
    /// The version that should answer.
    version_id: String,
    /// Its number.
    version_number: i64,
    /// `deploying`, `ready`, `idle` (it sleeps, and answers when it is asked), `degraded` or `failed`.
    #[schema(schema_with = registry::state_schema)]
    state: &'static str,
    /// Why it is degraded or failed.
    #[schema(required)]
    reason: Option<String>,
    /// `onnxruntime`, `tract` or `trees`; `null` while nothing is live.
    #[schema(required)]
    engine: Option<&'static str>,
    /// Where it runs, `cpu` or a GPU such as `cuda:0`; `null` while nothing is live.
    #[schema(required, value_type = Option<String>)]
    device: Option<Device>,
    #[schema(required)]
    autoscaling: Option<Autoscaling>,
    batching: Batching,
    #[schema(required)]
    latency_target_ms: Option<f64>,
    tuning: Tuning,
    #[schema(required)]
    canary: Option<Canary>,
    #[schema(required)]
    shadow: Option<Shadow>,
    /// What the server has taken down by itself since somebody last decided anything.
    #[schema(required)]
    rolled_back: Option<RolledBack>,
}

/// Bounds for the number of instances.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioDeploymentAutoscaling)]
struct Autoscaling {
    enabled: bool,
    min_replicas: u32,
    max_replicas: u32,
    /// Per cent.
    target_cpu_utilization: f64,
}

/// How requests share runs of the model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioDeploymentBatching)]
struct Batching {
    /// The most rows that run together; `null`: chosen by the server.
    #[schema(required)]
    max_batch_size: Option<u32>,
    /// How long a request may wait for company.
    max_queue_delay_ms: f64,
}

impl Deployment {
    /// A deployment of `model`.
    pub fn of(model: &ModelId, shown: registry::Deployment) -> Self {
        Self {
            endpoint_url: shown.endpoint_url,
            replicas: shown.replicas,
            hardware: shown.hardware,
            deployed_at: shown.deployed_at,
            version_id: VersionId { model: model.clone(), number: shown.version }.to_string(),
            version_number: shown.version,
            state: shown.state,
            reason: shown.reason,
            engine: shown.engine,
            device: shown.device,
            autoscaling: shown.autoscaling.map(|bounds| Autoscaling {
                enabled: bounds.enabled,
                min_replicas: bounds.min_replicas,
                max_replicas: bounds.max_replicas,
                target_cpu_utilization: bounds.target_cpu_utilization,
            }),
            batching: Batching {
                max_batch_size: shown.batching.max_batch_size,
                max_queue_delay_ms: shown.batching.max_queue_delay_ms,
            },
            latency_target_ms: shown.latency_target_ms,
            tuning: shown.tuning,
            canary: shown.canary,
            shadow: shown.shadow,
            rolled_back: shown.rolled_back,
        }
    }
}
