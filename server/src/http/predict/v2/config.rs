//! `/v2/models/{model}/config`: how a version runs, in the words of Triton's model configuration where it has them.

use super::json;
use super::metadata::{dims, platform};
use crate::error::ApiError;
use axum::response::Response;
use serde::Serialize;
use servoir_runtime::Deployment;
use servoir_types::TensorSpec;
use utoipa::ToSchema;

/// How a version runs.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelConfig)]
pub struct Config<'a> {
    name: &'a str,
    version: String,
    platform: &'static str,
    backend: &'static str,
    /// As in Triton, 0 says that the batch dimension, if any, is spelled out in `dims`.
    max_batch_size: usize,
    input: Vec<Tensor<'a>>,
    output: Vec<Tensor<'a>>,
    #[schema(value_type = Vec<InstanceGroup>)]
    instance_group: [InstanceGroup; 1],
    batching: Batching,
}

/// An input or an output.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelConfigTensor)]
struct Tensor<'a> {
    name: &'a str,
    /// `TYPE_FP32`, `TYPE_STRING`, …
    data_type: String,
    /// -1 is a free dimension.
    dims: &'a [i64],
}

/// Instances of a model.
#[derive(Serialize, ToSchema)]
struct InstanceGroup {
    count: usize,
    /// `KIND_CPU` or `KIND_GPU`.
    kind: &'static str,
    device: &'static str,
}

/// How requests share runs of the model.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelConfigBatching)]
struct Batching {
    batch_rows_max: usize,
    queue_delay_max_microseconds: u64,
    queue_rows_max: usize,
    queue_bytes_max: usize,
}

/// Writes how a version runs.
///
/// # Errors
/// None that a caller could see.
pub fn write(deployment: &Deployment) -> Result<Response, ApiError> {
    let (signature, options) = (deployment.signature(), deployment.options());
    let device = deployment.device();
    json(&Config {
        name: &deployment.identity().name,
        version: deployment.identity().version.to_string(),
        platform: platform(deployment.engine()),
        backend: deployment.engine().as_str(),
        max_batch_size: 0,
        input: signature.inputs.iter().map(tensor).collect(),
        output: signature.outputs.iter().map(tensor).collect(),
        instance_group: [InstanceGroup {
            count: options.instances,
            kind: if device == "cpu" { "KIND_CPU" } else { "KIND_GPU" },
            device,
        }],
        batching: Batching {
            batch_rows_max: options.batch_rows_max,
            queue_delay_max_microseconds: u64::try_from(options.queue_delay_max.as_micros()).unwrap_or(u64::MAX),
            queue_rows_max: options.queue_rows_max,
            queue_bytes_max: options.queue_bytes_max,
        },
    })
}

fn tensor(spec: &TensorSpec) -> Tensor<'_> {
    let name = if spec.datatype == servoir_types::Datatype::Bytes { "STRING" } else { spec.datatype.name() };
    Tensor { name: &spec.name, data_type: format!("TYPE_{name}"), dims: dims(&spec.shape) }
}
