//! A deployment as the API shows it: what should run, and what does on this node.

use crate::app::App;
use crate::http::origin::Origin;
use crate::readiness::ModelState;
use crate::reconcile::Cause;
use serde::Serialize;
use serde_json::Value;
use servoir_registry as registry;
use servoir_runtime::Device;
use servoir_types::Timestamp;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// What should run for a model, and how far this node has come with it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Where predictions are asked for.
    pub endpoint_url: String,
    /// Instances of the model.
    pub replicas: u32,
    /// As it was asked for: `auto`, or the id of a hardware profile.
    pub hardware: String,
    #[schema(value_type = String, format = DateTime)]
    pub deployed_at: Timestamp,
    /// The version that should answer.
    pub version: i64,
    /// `deploying`, `ready`, `idle` (it sleeps, and answers when it is asked), `degraded` or `failed`.
    #[schema(schema_with = state_schema)]
    pub state: &'static str,
    /// Why it is degraded or failed.
    #[schema(required)]
    pub reason: Option<String>,
    /// `onnxruntime`, `tract` or `trees`; `null` while nothing is live.
    #[schema(required)]
    pub engine: Option<&'static str>,
    /// Where it runs, `cpu` or a GPU such as `cuda:0`; `null` while nothing is live.
    #[schema(required, value_type = Option<String>)]
    pub device: Option<Device>,
    #[schema(required)]
    pub autoscaling: Option<Autoscaling>,
    pub batching: Batching,
    #[schema(required)]
    pub latency_target_ms: Option<f64>,
    pub tuning: Tuning,
    #[schema(required)]
    pub canary: Option<Canary>,
    #[schema(required)]
    pub shadow: Option<Shadow>,
    /// What the server has taken down by itself since somebody last decided anything.
    #[schema(required)]
    pub rolled_back: Option<RolledBack>,
}

/// Bounds for the number of instances.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Autoscaling {
    pub enabled: bool,
    pub min_replicas: u32,
    pub max_replicas: u32,
    /// Per cent.
    pub target_cpu_utilization: f64,
}

/// How requests share runs of the model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Batching {
    /// The most rows that run together; `null`: chosen by the server.
    #[schema(required)]
    pub max_batch_size: Option<u32>,
    /// How long a request may wait for company.
    pub max_queue_delay_ms: f64,
}

/// What was said of how the model is run; `null`: as it was measured, which `/v2/models/{model}/config` shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tuning {
    /// The engine.
    #[schema(required)]
    pub engine: Option<String>,
    /// Instances of the model.
    #[schema(required)]
    pub instances: Option<u32>,
    /// Threads that a run may use inside the engine.
    #[schema(required)]
    pub threads: Option<u32>,
    /// The most rows of a request that runs on the thread that reads it.
    #[schema(required)]
    pub inline_rows_max: Option<u32>,
}

/// A version that takes a share of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Canary {
    pub version: i64,
    /// Per cent of the requests.
    pub percent: u8,
}

/// A version that is sent a copy of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shadow {
    pub version: i64,
}

/// A version that was worse than the one before; the audit has the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RolledBack {
    pub version: i64,
    /// `errors` or `latency`.
    #[schema(schema_with = cause_schema)]
    pub cause: String,
    /// What was found, for a person.
    pub reason: String,
}

/// The schema of that field.
pub fn state_schema() -> Object {
    let states = ["deploying", "ready", "idle", "degraded", "failed"].map(Value::from);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(states)).build()
}

fn cause_schema() -> Object {
    let causes = [Cause::Errors, Cause::Latency, Cause::Divergence].map(|cause| Value::from(cause.as_str()));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(causes)).build()
}

impl From<&registry::RolledBack> for RolledBack {
    fn from(rolled_back: &registry::RolledBack) -> Self {
        let text = |name: &str| rolled_back.evidence[name].as_str().unwrap_or_default().to_owned();
        Self { version: rolled_back.version, cause: text("cause"), reason: text("reason") }
    }
}

impl Deployment {
    /// What should run, with what this node knows of it.
    pub fn of(app: &App, origin: &Origin, deployment: &registry::Deployment) -> Self {
        let spec = &deployment.primary.spec;
        let state = app.reconciler.state(&deployment.model).unwrap_or(ModelState::Deploying);
        let entry = app.serving.find(&deployment.organization, deployment.model.as_str());
        let live = entry.and_then(|entry| entry.live());
        Self {
            endpoint_url: origin.predict_url(deployment.model.as_str()),
            replicas: spec.replicas,
            hardware: spec.hardware.clone(),
            deployed_at: deployment.deployed_at,
            version: spec.version,
            state: state.shown(live.as_ref().is_some_and(|live| live.primary.is_asleep())),
            reason: state.reason().map(str::to_owned),
            engine: live.as_ref().map(|live| live.primary.engine().as_str()),
            device: live.as_ref().map(|live| live.primary.device()),
            autoscaling: spec.autoscaling.as_ref().map(Autoscaling::from),
            batching: Batching { max_batch_size: spec.max_batch_size, max_queue_delay_ms: spec.max_queue_delay_ms },
            latency_target_ms: spec.latency_target_ms,
            tuning: Tuning {
                engine: spec.tuning.engine.clone(),
                instances: spec.tuning.instances,
                threads: spec.tuning.threads,
                inline_rows_max: spec.tuning.inline_rows_max,
            },
            canary: deployment
                .canary
                .as_ref()
                .map(|(percent, placed)| Canary { version: placed.spec.version, percent: *percent }),
            shadow: deployment.shadow.as_ref().map(|placed| Shadow { version: placed.spec.version }),
            rolled_back: deployment.rolled_back.as_ref().map(RolledBack::from),
        }
    }
}

impl From<&registry::Autoscaling> for Autoscaling {
    fn from(autoscaling: &registry::Autoscaling) -> Self {
        Self {
            enabled: autoscaling.enabled,
            min_replicas: autoscaling.min_replicas,
            max_replicas: autoscaling.max_replicas,
            target_cpu_utilization: autoscaling.target_cpu_utilization,
        }
    }
}
