//! `/v2/models/{model}/config`: how a version runs, in the words of Triton's model configuration where it has them.

use super::metadata::{dims, platform};
use crate::http::predict::lookup;
use serde::Serialize;
use servoir_runtime::{Deployment, Device, Live, Profile};
use servoir_types::{Datatype, TensorSpec};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How a version runs; the names are those of Triton's `ModelConfig`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelConfig)]
pub struct Config<'a> {
    /// The model.
    pub name: &'a str,
    /// Engine and format.
    pub platform: &'static str,
    /// The engine.
    pub backend: &'static str,
    /// Which versions answer.
    pub version_policy: VersionPolicy,
    /// The most rows of one request when `dims` leave the batch dimension out; 0: `dims` are whole, and rows of several
    /// requests do not share a run.
    pub max_batch_size: usize,
    /// What must be given.
    pub input: Vec<Tensor<'a>>,
    /// What is given back.
    pub output: Vec<Tensor<'a>>,
    /// The instances, which are all alike.
    #[schema(value_type = Vec<InstanceGroup>)]
    pub instance_group: [InstanceGroup; 1],
    /// How rows of several requests come together; `None` when they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dynamic_batching: Option<DynamicBatching>,
    /// One answer for each request.
    pub model_transaction_policy: TransactionPolicy,
    /// None are known.
    pub parameters: BTreeMap<String, String>,
    /// What Triton's configuration has no words for.
    pub servoir: Servoir<'a>,
}

/// Which versions answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionPolicy {
    /// Those that are named.
    pub specific: SpecificVersions,
}

/// Versions by their numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpecificVersions {
    /// The numbers, from 1.
    pub versions: Vec<u64>,
}

/// An input or an output.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelConfigTensor)]
pub struct Tensor<'a> {
    /// The name inside the model.
    pub name: &'a str,
    /// `TYPE_FP32`, `TYPE_STRING`, …
    pub data_type: String,
    /// The dimensions, -1 for a free one.
    pub dims: &'a [i64],
}

/// Instances that are alike.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceGroup {
    /// A name for them.
    pub name: String,
    /// `KIND_CPU` or `KIND_GPU`.
    pub kind: &'static str,
    /// How many.
    pub count: usize,
}

/// How rows of several requests come together.
#[derive(Debug, Serialize, ToSchema)]
pub struct DynamicBatching {
    /// The most rows that run together.
    #[schema(value_type = Vec<usize>)]
    pub preferred_batch_size: [usize; 1],
    /// How long a request may wait for company, in microseconds.
    pub max_queue_delay_microseconds: u64,
}

/// How many answers a request has.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionPolicy {
    /// Whether their number is free.
    pub decoupled: bool,
}

/// What Triton's configuration has no words for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelConfigServoir)]
pub struct Servoir<'a> {
    /// The model's id.
    pub model_id: &'a str,
    /// The version that this describes.
    pub version: u64,
    /// The device of the instances, `cpu` or a GPU such as `cuda:0`.
    #[schema(value_type = String)]
    pub device: Device,
    /// What they take of GPUs' own memory, in bytes; 0 on the CPU.
    pub device_bytes: u64,
    /// How many nodes of the graph the CPU computes although the model runs on a GPU.
    pub nodes_on_cpu: usize,
    /// Why it runs there: what was measured there and elsewhere; `null` when nothing was.
    #[schema(required)]
    pub chosen_because: Option<String>,
    /// The most rows that wait.
    pub queue_rows_max: usize,
    /// The most bytes of inputs that wait.
    pub queue_bytes_max: usize,
    /// Threads that a run may use inside the engine.
    pub threads: usize,
    /// The most rows of a request that runs on the thread that reads it, because that was measured to cost less than handing
    /// it over; 0: all wait for an instance.
    pub inline_rows_max: usize,
    /// The most rows of several such requests that run together, when as many are read in one turn of the thread's loop as make that
    /// cost less; 0: each runs alone.
    pub inline_batch_rows_max: usize,
    /// What was measured when the model was loaded; `null` when nothing was.
    #[schema(required, value_type = Option<Object>)]
    pub profile: Option<&'a Profile>,
}

/// How `deployment`, one of those that are `live`, runs.
pub fn of<'a>(live: &Live, deployment: &'a Deployment) -> Config<'a> {
    let (identity, signature, options) = (deployment.identity(), deployment.signature(), deployment.options());
    let (batchable, device) = (deployment.is_batchable(), deployment.device());
    let micros = options.queue_delay_max.as_micros();
    let tensors = |specs: &'a [TensorSpec]| specs.iter().map(|spec| tensor(spec, batchable)).collect();
    Config {
        name: &identity.name,
        platform: platform(deployment.engine()),
        backend: deployment.engine().as_str(),
        version_policy: VersionPolicy {
            specific: SpecificVersions {
                versions: lookup::answering(live).map(|deployment| deployment.identity().version).collect(),
            },
        },
        max_batch_size: if batchable { options.queue_rows_max } else { 0 },
        input: tensors(&signature.inputs),
        output: tensors(&signature.outputs),
        instance_group: [InstanceGroup {
            name: format!("{}_0", identity.name),
            kind: if device.is_gpu() { "KIND_GPU" } else { "KIND_CPU" },
            count: options.instances,
        }],
        dynamic_batching: batchable.then(|| DynamicBatching {
            preferred_batch_size: [options.batch_rows_max],
            max_queue_delay_microseconds: u64::try_from(micros).unwrap_or(u64::MAX),
        }),
        model_transaction_policy: TransactionPolicy { decoupled: false },
        parameters: BTreeMap::new(),
        servoir: Servoir {
            model_id: identity.model.as_str(),
            version: identity.version,
            device,
            device_bytes: deployment.taken().iter().map(|(_, bytes)| bytes).sum(),
            nodes_on_cpu: deployment.nodes_on_cpu(),
            chosen_because: options.profile.as_ref().and_then(|profile| {
                profile.why((deployment.engine(), device), (options.batch_rows_max, options.latency_target))
            }),
            queue_rows_max: options.queue_rows_max,
            queue_bytes_max: options.queue_bytes_max,
            threads: options.threads,
            inline_rows_max: deployment.inline_rows_max(),
            inline_batch_rows_max: deployment.inline_batch_rows_max(),
            profile: options.profile.as_deref(),
        },
    }
}

/// A tensor; `batchable`: its first dimension is the batch's and is left out.
fn tensor(spec: &TensorSpec, batchable: bool) -> Tensor<'_> {
    let name = if spec.datatype == Datatype::Bytes { "STRING" } else { spec.datatype.name() };
    let dims = dims(&spec.shape);
    Tensor { name: &spec.name, data_type: format!("TYPE_{name}"), dims: if batchable { &dims[1..] } else { dims } }
}
