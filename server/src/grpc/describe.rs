//! What server and models are and have done: what `/v2` says of them, as messages.

use super::call::Call;
use super::infer::version;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::predict::v2::metadata::{self, Server, TensorMetadata};
use crate::http::predict::v2::statistics::{self, BatchDurations, DurationStatistics, ModelStatistics};
use servoir_codec::grpc::proto;
use servoir_runtime::{Deployment, Live};
use servoir_types::Kind;
use std::sync::Arc;

/// What the server is.
pub fn server() -> proto::ServerMetadataResponse {
    let Server { name, version, extensions } = Server::THIS;
    proto::ServerMetadataResponse {
        name: name.to_owned(),
        version: version.to_owned(),
        extensions: extensions.iter().map(|&extension| extension.to_owned()).collect(),
    }
}

/// Whether a model answers. A model that is not there does not.
///
/// # Errors
/// 401.
pub fn ready(app: &SharedApp, call: &Call, model: &str, version: &str) -> Result<proto::ModelReadyResponse, ApiError> {
    match find(app, call, model, version) {
        Ok(_) => Ok(proto::ModelReadyResponse { ready: true }),
        Err(ApiError { kind: Kind::NotFound | Kind::Unavailable, .. }) => {
            Ok(proto::ModelReadyResponse { ready: false })
        }
        Err(error) => Err(error),
    }
}

/// What a model takes and gives.
///
/// # Errors
/// 404, 503.
pub fn model(
    app: &SharedApp,
    call: &Call,
    model: &str,
    version: &str,
) -> Result<proto::ModelMetadataResponse, ApiError> {
    let (live, deployment) = find(app, call, model, version)?;
    let model = metadata::of(&live, &deployment);
    Ok(proto::ModelMetadataResponse {
        name: model.name.to_owned(),
        versions: model.versions,
        platform: model.platform.to_owned(),
        inputs: model.inputs.iter().map(tensor).collect(),
        outputs: model.outputs.iter().map(tensor).collect(),
    })
}

fn tensor(tensor: &TensorMetadata<'_>) -> proto::model_metadata_response::TensorMetadata {
    proto::model_metadata_response::TensorMetadata {
        name: tensor.name.to_owned(),
        datatype: tensor.datatype.name().to_owned(),
        shape: tensor.shape.to_vec(),
    }
}

/// What a model has done, or every model of the caller's organization when none is named.
///
/// # Errors
/// 404, 503.
pub fn statistics(
    app: &SharedApp,
    call: &Call,
    model: &str,
    version: &str,
) -> Result<proto::ModelStatisticsResponse, ApiError> {
    let models = if model.is_empty() {
        statistics::of_all(app, &call.principal()?.organization).model_stats
    } else {
        let (_, deployment) = find(app, call, model, version)?;
        vec![ModelStatistics::of(model, &deployment)]
    };
    Ok(proto::ModelStatisticsResponse { model_stats: models.into_iter().map(statistics_of).collect() })
}

fn statistics_of(of: ModelStatistics) -> proto::ModelStatistics {
    let requests = of.inference_stats;
    proto::ModelStatistics {
        name: of.name,
        version: of.version,
        last_inference: of.last_inference,
        inference_count: of.inference_count,
        execution_count: of.execution_count,
        inference_stats: Some(proto::InferStatistics {
            success: duration(requests.success),
            fail: duration(requests.fail),
            queue: duration(requests.queue),
            compute_input: duration(requests.compute_input),
            compute_infer: duration(requests.compute_infer),
            compute_output: duration(requests.compute_output),
            cache_hit: duration(requests.cache_hit),
            cache_miss: duration(requests.cache_miss),
        }),
        batch_stats: of.batch_stats.iter().map(batch).collect(),
        memory_usage: Vec::new(),
        response_stats: Default::default(),
    }
}

fn batch(of: &BatchDurations) -> proto::InferBatchStatistics {
    proto::InferBatchStatistics {
        batch_size: of.batch_size as u64,
        compute_input: duration(of.compute_input),
        compute_infer: duration(of.compute_infer),
        compute_output: duration(of.compute_output),
    }
}

const fn duration(of: DurationStatistics) -> Option<proto::StatisticDuration> {
    Some(proto::StatisticDuration { count: of.count, ns: of.ns })
}

/// What is live of a model that a message names, and of it the version that the message names.
pub(super) fn find(
    app: &SharedApp,
    call: &Call,
    model: &str,
    named: &str,
) -> Result<(Arc<Live>, Arc<Deployment>), ApiError> {
    metadata::find(app, &call.principal()?.organization, (model, version(named)?))
}
