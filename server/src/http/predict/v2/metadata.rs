//! What server and models are: `/v2` and `/v2/models/{model}` with its aspects.

use super::{config, json};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::predict::document::datatype;
use crate::http::predict::lookup;
use crate::http::predict::target::Aspect;
use axum::response::Response;
use serde::Serialize;
use servoir_runtime::{Deployment, EngineName};
use servoir_types::{Datatype, Kind, Shape, TensorSpec};
use utoipa::ToSchema;

/// The protocol's extensions that are there.
const EXTENSIONS: &[&str] = &["classification", "model_configuration", "model_repository"];

/// What the server is.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerMetadata)]
pub struct Server {
    name: &'static str,
    version: &'static str,
    /// The protocol's extensions that are there.
    extensions: &'static [&'static str],
}

/// What this server is.
///
/// # Errors
/// None that a caller could see.
pub fn server() -> Result<Response, ApiError> {
    json(&Server { name: "servoir", version: env!("CARGO_PKG_VERSION"), extensions: EXTENSIONS })
}

/// What a model is.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelMetadata)]
pub struct Model<'a> {
    name: &'a str,
    /// Those that are live.
    versions: Vec<String>,
    platform: &'static str,
    inputs: Vec<TensorMetadata<'a>>,
    outputs: Vec<TensorMetadata<'a>>,
}

/// An input or an output of a model.
#[derive(Serialize, ToSchema)]
struct TensorMetadata<'a> {
    name: &'a str,
    #[schema(schema_with = datatype)]
    datatype: Datatype,
    /// -1 is a free dimension.
    shape: &'a [i64],
}

/// Whether a model answers.
#[derive(Serialize, ToSchema)]
pub struct ModelReady<'a> {
    name: &'a str,
    /// Always true: what is not ready is an error.
    ready: bool,
}

/// One aspect of a model.
///
/// # Errors
/// 404 when the model, or the version that is named, is not live; 503 while it may be on its way.
pub fn model(
    app: &SharedApp,
    organization: &str,
    model: &str,
    version: Option<u64>,
    aspect: Aspect,
) -> Result<Response, ApiError> {
    let live = lookup::live(app, organization, model)?;
    let deployment = lookup::described(&live, model, version)?;
    let name = deployment.identity().name.as_str();
    match aspect {
        Aspect::Ready => json(&ModelReady { name, ready: true }),
        Aspect::Config => config::write(&deployment),
        Aspect::Metadata => {
            let versions = lookup::answering(&live).map(|deployment| deployment.identity().version.to_string());
            json(&described(&deployment, versions.collect()))
        }
        Aspect::Stats | Aspect::Infer | Aspect::OpenApi => {
            let detail =
                "the statistics extension is not available; /metrics has the counts of every model and version";
            Err(ApiError::new(Kind::NotFound, "not-available", detail))
        }
    }
}

fn described(deployment: &Deployment, versions: Vec<String>) -> Model<'_> {
    let signature = deployment.signature();
    Model {
        name: &deployment.identity().name,
        versions,
        platform: platform(deployment.engine()),
        inputs: signature.inputs.iter().map(tensor).collect(),
        outputs: signature.outputs.iter().map(tensor).collect(),
    }
}

fn tensor(spec: &TensorSpec) -> TensorMetadata<'_> {
    TensorMetadata { name: &spec.name, datatype: spec.datatype, shape: dims(&spec.shape) }
}

/// The dimensions as the protocol writes them; it has no way to say that the rank is free.
pub fn dims(shape: &Shape) -> &[i64] {
    shape.dims().unwrap_or(&[-1])
}

/// Framework and format in one word, as the protocol wants it.
pub const fn platform(engine: EngineName) -> &'static str {
    match engine {
        EngineName::OnnxRuntime => "onnxruntime_onnx",
        EngineName::Tract => "tract_onnx",
        EngineName::Trees => "servoir_trees",
    }
}
