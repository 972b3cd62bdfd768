//! What server and models are: `/v2` and `/v2/models/{model}` with its aspects.

use super::statistics::{ModelStatistics, ModelsStatistics};
use super::{config, json};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::predict::document::datatype;
use crate::http::predict::lookup;
use crate::http::predict::target::Aspect;
use axum::response::Response;
use serde::Serialize;
use servoir_runtime::{Deployment, EngineName, Live};
use servoir_types::{Datatype, Shape, TensorSpec};
use std::sync::Arc;
use utoipa::ToSchema;

/// The protocol's extensions that are there, by Triton's names for them.
pub const EXTENSIONS: &[&str] = &[
    "binary_tensor_data",
    "classification",
    "logging",
    "model_configuration",
    "model_repository",
    "model_repository(unload_dependents)",
    "parameters",
    "schedule_policy",
    "statistics",
];

/// What the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServerMetadata)]
pub struct Server {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The protocol's extensions that are there.
    pub extensions: &'static [&'static str],
}

impl Server {
    /// This one.
    pub const THIS: Self = Self { name: "servoir", version: env!("CARGO_PKG_VERSION"), extensions: EXTENSIONS };
}

/// What a model is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ModelMetadata)]
pub struct Model<'a> {
    /// Its name.
    pub name: &'a str,
    /// Those that are live.
    pub versions: Vec<String>,
    /// Engine and format.
    pub platform: &'static str,
    /// What must be given.
    pub inputs: Vec<TensorMetadata<'a>>,
    /// What is given back.
    pub outputs: Vec<TensorMetadata<'a>>,
}

/// An input or an output of a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct TensorMetadata<'a> {
    /// The name inside the model.
    pub name: &'a str,
    /// The element type.
    #[schema(schema_with = datatype)]
    pub datatype: Datatype,
    /// The dimensions, -1 for a free one.
    pub shape: &'a [i64],
}

/// Whether a model answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelReady<'a> {
    name: &'a str,
    /// Always true: what is not ready is an error.
    ready: bool,
}

/// What this server is.
///
/// # Errors
/// None that a caller could see.
pub fn server() -> Result<Response, ApiError> {
    json(&Server::THIS)
}

/// What is live of a model, and of it the version that is named, or the primary.
///
/// # Errors
/// 404 when the model, or the version that is named, is not live; 503 while it may be on its way.
pub fn find(
    app: &SharedApp,
    organization: &str,
    (model, version): (&str, Option<u64>),
) -> Result<(Arc<Live>, Arc<Deployment>), ApiError> {
    let live = lookup::live(app, organization, model)?;
    let deployment = match version {
        Some(version) => lookup::of_version(&live, model, version)?,
        None => live.primary.clone(),
    };
    Ok((live, deployment))
}

/// One aspect of a model.
///
/// # Errors
/// As [`find`].
pub fn answer(
    app: &SharedApp,
    organization: &str,
    (model, version): (&str, Option<u64>),
    aspect: Aspect,
) -> Result<Response, ApiError> {
    let (live, deployment) = find(app, organization, (model, version))?;
    match aspect {
        Aspect::Ready => json(&ModelReady { name: &deployment.identity().name, ready: true }),
        Aspect::Config => json(&config::of(&live, &deployment)),
        Aspect::Metadata => json(&of(&live, &deployment)),
        Aspect::Stats => json(&ModelsStatistics { model_stats: vec![ModelStatistics::of(model, &deployment)] }),
        Aspect::Infer | Aspect::OpenApi => Err(ApiError::internal("a path reached the wrong handler")),
    }
}

/// What `deployment`, one of those that are `live`, is.
pub fn of<'a>(live: &Live, deployment: &'a Deployment) -> Model<'a> {
    let signature = deployment.signature();
    Model {
        name: &deployment.identity().name,
        versions: lookup::answering(live).map(|deployment| deployment.identity().version.to_string()).collect(),
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
