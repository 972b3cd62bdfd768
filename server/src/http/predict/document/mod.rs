//! The data plane's part of the API document. Its paths are matched by hand, so they are described here and not beside a
//! router's handlers; the functions exist for their descriptions alone.

#![allow(dead_code)]

mod v1;
mod v2;

pub use v1::{PredictRequest, PredictResponse};
pub use v2::datatype;

use super::v2::config::Config;
use super::v2::health::{Live, Ready};
use super::v2::logging::{LogChange, LogSettings};
use super::v2::metadata::{Model, ModelReady, Server};
use super::v2::repository::{Change, Listed, Query};
use super::v2::statistics::ModelsStatistics;
use utoipa::OpenApi;
use v2::{InferRequest, InferResponse, RepositoryLoadRequest};

/// The descriptions of this file.
#[derive(OpenApi)]
#[openapi(paths(
    predict,
    server,
    live,
    ready,
    model,
    model_ready,
    model_openapi,
    model_config,
    model_stats,
    infer,
    model_version,
    model_version_ready,
    model_version_openapi,
    model_version_config,
    model_version_stats,
    infer_version,
    all_stats,
    index,
    load,
    unload,
    logging,
    change_logging
))]
pub struct DataPlane;

/// Predict
///
/// Rows as `instances`, tensors as `inputs`, or one row as `input_data`; see the documentation of predictions.
#[utoipa::path(post, path = "/v1/predict/{model}", operation_id = "predict", tag = "predictions",
    params(("model" = String, Path, description = "Id or name."),
        ("version" = Option<i64>, Query, minimum = 1, description = "Only when this version is live."),
        ("Servoir-Entity" = Option<String>, Header,
            description = "Whom the request is about, while there is a canary: the same version answers each time.")),
    request_body = PredictRequest,
    responses((status = 200, description = "The predictions.", body = PredictResponse),
        (status = 400, description = "Not JSON, a wrong type or an unknown field."),
        (status = 404, description = "`model-not-found` or `version-not-live`."),
        (status = 422, description = "Well-formed, and wrong for this model."),
        (status = 429, description = "`queue-full`, or `latency-target` or `deadline-too-soon`: the wait is forecast to be too long."),
        (status = 503, description = "`not-ready`, `model-closing`, or `model-not-loaded`: it slept and could not be woken."),
        (status = 504, description = "`deadline-exceeded`.")),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn predict() {}

/// Server metadata
///
/// Name, version and extensions, by the Open Inference Protocol.
#[utoipa::path(get, path = "/v2", operation_id = "v2Server", tag = "open-inference",
    responses((status = 200, description = "The server.", body = Server)))]
fn server() {}

/// Liveness
///
/// The process is up.
#[utoipa::path(get, path = "/v2/health/live", operation_id = "v2Live", tag = "open-inference",
    responses((status = 200, description = "The process is up.", body = Live)))]
fn live() {}

/// Readiness
///
/// Everything that should be live here is.
#[utoipa::path(get, path = "/v2/health/ready", operation_id = "v2Ready", tag = "open-inference",
    responses((status = 200, description = "Ready.", body = Ready), (status = 503, description = "Not ready.")))]
fn ready() {}

macro_rules! of_a_model {
    ($($(#[$doc:meta])* $function:ident $path:literal $id:literal $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(get, path = $path, operation_id = $id, tag = "open-inference",
                params(("model" = String, Path, description = "Id or name.")),
                responses((status = 200, description = "What is asked for.", body = $answer),
                    (status = 503, description = "Models are still being brought up."),
                    (status = 404, description = "No such model is live.")),
                security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
            fn $function() {}
        )*
    };
}

macro_rules! of_a_version {
    ($($(#[$doc:meta])* $function:ident $path:literal $id:literal $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[utoipa::path(get, path = $path, operation_id = $id, tag = "open-inference",
                params(("model" = String, Path, description = "Id or name."),
                    ("version" = i64, Path, minimum = 1, description = "A version that is live.")),
                responses((status = 200, description = "What is asked for.", body = $answer),
                    (status = 503, description = "Models are still being brought up."),
                    (status = 404, description = "No such model or version is live.")),
                security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
            fn $function() {}
        )*
    };
}

of_a_model! {
    /// Model statistics
    ///
    /// What the live version has done since it was loaded: requests, runs, and where their time went.
    model_stats "/v2/models/{model}/stats" "v2ModelStats" ModelsStatistics;
    /// Model metadata
    ///
    /// Inputs and outputs of what is live.
    model "/v2/models/{model}" "v2Model" Model<'static>;
    /// Model readiness
    ///
    /// Whether the model answers.
    model_ready "/v2/models/{model}/ready" "v2ModelReady" ModelReady<'static>;
    /// Model API document
    ///
    /// OpenAPI 3.1 of this model alone: what exactly it takes and gives, with requests that work as they stand.
    model_openapi "/v2/models/{model}/openapi.json" "v2ModelOpenApi" Object;
    /// Model configuration
    ///
    /// Engine, instances, batching and queue of what is live.
    model_config "/v2/models/{model}/config" "v2ModelConfig" Config<'static>;
}

of_a_version! {
    /// Statistics of a version
    ///
    /// What a version that is live has done since it was loaded.
    model_version_stats "/v2/models/{model}/versions/{version}/stats" "v2ModelVersionStats" ModelsStatistics;
    /// Metadata of a version
    ///
    /// Inputs and outputs of a version that is live.
    model_version "/v2/models/{model}/versions/{version}" "v2ModelVersion" Model<'static>;
    /// Readiness of a version
    ///
    /// Whether the version answers.
    model_version_ready "/v2/models/{model}/versions/{version}/ready" "v2ModelVersionReady" ModelReady<'static>;
    /// API document of a version
    ///
    /// OpenAPI 3.1 of a version that is live.
    model_version_openapi "/v2/models/{model}/versions/{version}/openapi.json" "v2ModelVersionOpenApi" Object;
    /// Configuration of a version
    ///
    /// Engine, instances, batching and queue of a version that is live.
    model_version_config "/v2/models/{model}/versions/{version}/config" "v2ModelVersionConfig" Config<'static>;
}

/// Infer
///
/// Tensors in, tensors out, by the Open Inference Protocol. Tensors may also come as bytes behind the JSON, whose length
/// is then in the header `Inference-Header-Content-Length`.
#[utoipa::path(post, path = "/v2/models/{model}/infer", operation_id = "v2Infer", tag = "open-inference",
    params(("model" = String, Path, description = "Id or name."),
        ("Servoir-Entity" = Option<String>, Header,
            description = "Whom the request is about, while there is a canary: the same version answers each time.")),
    request_body = InferRequest,
    responses((status = 200, description = "The outputs; as bytes behind the JSON where the request wants binary tensors.",
            content((InferResponse = "application/json"), (Vec<u8> = "application/octet-stream"))),
        (status = 400, description = "Not JSON, a wrong type, an unknown field, or wrong for this model."),
        (status = 404, description = "No such model is live."), (status = 429, description = "The queue is full."),
        (status = 503, description = "Not ready, or on its way out."),
        (status = 504, description = "The deadline passed.")),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn infer() {}

/// Infer with a version
///
/// The same, by a version that is live.
#[utoipa::path(post, path = "/v2/models/{model}/versions/{version}/infer", operation_id = "v2InferVersion",
    tag = "open-inference",
    params(("model" = String, Path, description = "Id or name."),
        ("version" = i64, Path, minimum = 1, description = "A version that is live.")),
    request_body = InferRequest,
    responses((status = 200, description = "The outputs; as bytes behind the JSON where the request wants binary tensors.",
            content((InferResponse = "application/json"), (Vec<u8> = "application/octet-stream"))),
        (status = 400, description = "Not JSON, a wrong type, an unknown field, or wrong for this model."),
        (status = 404, description = "No such model or version is live."),
        (status = 429, description = "The queue is full."), (status = 503, description = "Not ready, or on its way out."),
        (status = 504, description = "The deadline passed.")),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn infer_version() {}

/// Repository index
///
/// Every version that answers; for a caller that may read the registry, after them the models that do not.
#[utoipa::path(post, path = "/v2/repository/index", operation_id = "v2Index", tag = "open-inference",
    request_body = Option<Query>,
    responses((status = 200, description = "The models.", body = Vec<Listed>)),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn index() {}

/// Statistics of all models
///
/// What every version that answers has done since it was loaded.
#[utoipa::path(get, path = "/v2/models/stats", operation_id = "v2Stats", tag = "open-inference",
    responses((status = 200, description = "The statistics.", body = ModelsStatistics)),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn all_stats() {}

/// Load a model
///
/// The newest version that is ready is live when this is answered.
#[utoipa::path(post, path = "/v2/repository/models/{model}/load", operation_id = "v2Load", tag = "open-inference",
    params(("model" = String, Path, description = "Id or name.")),
    request_body = Option<RepositoryLoadRequest>,
    responses((status = 200, description = "It is live.", body = Object),
        (status = 400, description = "The version cannot be served, or a parameter is to take the registry's place."),
        (status = 404, description = "The organization has no such model."),
        (status = 409, description = "No version is ready, or the model is archived."),
        (status = 503, description = "The registry is away."),
        (status = 507, description = "All models together would take more memory than they may.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
fn load() {}

/// Unload a model
///
/// The model takes no requests any more; those in flight have finished when this is answered.
#[utoipa::path(post, path = "/v2/repository/models/{model}/unload", operation_id = "v2Unload", tag = "open-inference",
    params(("model" = String, Path, description = "Id or name.")),
    request_body = Option<Change>,
    responses((status = 200, description = "It is down.", body = Object),
        (status = 404, description = "The organization has no such model."),
        (status = 409, description = "Somebody else changed what should run at the same time."),
        (status = 503, description = "The registry is away.")),
    security(("ApiKey" = ["model-registry:write"]), ("Bearer" = ["model-registry:write"])))]
fn unload() {}

/// Log settings
///
/// What is logged.
#[utoipa::path(get, path = "/v2/logging", operation_id = "v2Logging", tag = "open-inference",
    responses((status = 200, description = "The settings.", body = LogSettings)),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
fn logging() {}

/// Change log settings
///
/// For as long as the server runs; what is left out stays.
#[utoipa::path(post, path = "/v2/logging", operation_id = "v2ChangeLogging", tag = "open-inference",
    request_body = Option<LogChange>,
    responses((status = 200, description = "The settings as they are now.", body = LogSettings)),
    security(("ApiKey" = ["auth:admin"]), ("Bearer" = ["auth:admin"])))]
fn change_logging() {}
