//! How a model runs: what `/v2/models/{model}/config` says of it, as Triton's `ModelConfig`.

use super::call::Call;
use super::describe::find;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::predict::v2::config::{self, Config, DynamicBatching, InstanceGroup, Tensor};
use servoir_codec::grpc::proto;
use servoir_codec::grpc::proto::model_config::SchedulingChoice;
use servoir_codec::grpc::proto::model_instance_group::Kind;
use servoir_codec::grpc::proto::model_version_policy::{PolicyChoice, Specific};
use servoir_codec::grpc::proto::{DataType, ModelInput, ModelOutput};

/// How a model runs.
///
/// # Errors
/// 404, 503.
pub fn config(
    app: &SharedApp,
    call: &Call,
    model: &str,
    version: &str,
) -> Result<proto::ModelConfigResponse, ApiError> {
    let (live, deployment) = find(app, call, model, version)?;
    Ok(proto::ModelConfigResponse { config: Some(of(config::of(&live, &deployment))) })
}

fn of(config: Config<'_>) -> proto::ModelConfig {
    let versions = config.version_policy.specific.versions.iter().map(|&version| version as i64).collect();
    proto::ModelConfig {
        name: config.name.to_owned(),
        platform: config.platform.to_owned(),
        backend: config.backend.to_owned(),
        version_policy: Some(proto::ModelVersionPolicy {
            policy_choice: Some(PolicyChoice::Specific(Specific { versions })),
        }),
        max_batch_size: count(config.max_batch_size),
        input: config.input.iter().map(input).collect(),
        output: config.output.iter().map(output).collect(),
        instance_group: config.instance_group.iter().map(instances).collect(),
        scheduling_choice: config.dynamic_batching.as_ref().map(batching),
        model_transaction_policy: Some(proto::ModelTransactionPolicy {
            decoupled: config.model_transaction_policy.decoupled,
        }),
        ..proto::ModelConfig::default()
    }
}

fn input(tensor: &Tensor<'_>) -> ModelInput {
    ModelInput {
        name: tensor.name.to_owned(),
        data_type: datatype(tensor),
        dims: tensor.dims.to_vec(),
        ..ModelInput::default()
    }
}

fn output(tensor: &Tensor<'_>) -> ModelOutput {
    ModelOutput {
        name: tensor.name.to_owned(),
        data_type: datatype(tensor),
        dims: tensor.dims.to_vec(),
        ..ModelOutput::default()
    }
}

fn datatype(tensor: &Tensor<'_>) -> i32 {
    DataType::from_str_name(&tensor.data_type).unwrap_or(DataType::TypeInvalid).into()
}

fn instances(group: &InstanceGroup) -> proto::ModelInstanceGroup {
    proto::ModelInstanceGroup {
        name: group.name.clone(),
        kind: Kind::from_str_name(group.kind).unwrap_or_default().into(),
        count: count(group.count),
        ..proto::ModelInstanceGroup::default()
    }
}

fn batching(of: &DynamicBatching) -> SchedulingChoice {
    SchedulingChoice::DynamicBatching(proto::ModelDynamicBatching {
        preferred_batch_size: of.preferred_batch_size.iter().copied().map(count).collect(),
        max_queue_delay_microseconds: of.max_queue_delay_microseconds,
        ..proto::ModelDynamicBatching::default()
    })
}

fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}
