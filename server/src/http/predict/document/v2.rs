//! Bodies of the Open Inference Protocol; a model's own document says which tensors it takes.

use serde_json::{Map, Value};
use servoir_types::Datatype;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// What is asked: every input of the model, by name.
#[derive(ToSchema)]
#[schema(example = json!({"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1.5]}]}))]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes the body, which is read value by value
pub struct InferRequest {
    /// The caller's own, which comes back.
    id: Option<String>,
    parameters: Option<InferParameters>,
    inputs: Vec<InferInput>,
    /// Which outputs, in which order; by default all, in the model's.
    outputs: Option<Vec<RequestedOutput>>,
}

/// Parameters of a request.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct InferParameters {
    /// 1 goes first, larger numbers later; 0 is the default.
    priority: Option<u64>,
    /// In microseconds; 0 stands for no limit of the caller's own.
    timeout: Option<u64>,
    /// Only false: the outputs come as JSON.
    binary_data_output: Option<bool>,
}

/// A tensor that is given.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct InferInput {
    name: String,
    /// The dimensions, at most 8.
    #[schema(max_items = 8, value_type = Vec<u64>)]
    shape: Vec<u64>,
    #[schema(schema_with = datatype)]
    datatype: String,
    parameters: Option<NoParameters>,
    /// The values, flat or nested as the shape says.
    data: Vec<Value>,
}

/// An output that is asked for.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct RequestedOutput {
    name: String,
    parameters: Option<OutputParameters>,
}

/// Parameters of an output that is asked for.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct OutputParameters {
    /// So many of the best classes of each row in place of its values, as `score:index:label`.
    #[schema(minimum = 1)]
    classification: Option<u64>,
    /// Only false: the output comes as JSON.
    binary_data: Option<bool>,
}

/// Parameters where there are none.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

/// What is answered.
#[derive(ToSchema)]
#[allow(dead_code)] // describes the answer, which is written value by value
pub struct InferResponse {
    model_name: String,
    model_version: String,
    /// The caller's own, when there was one.
    #[schema(nullable = false)]
    id: Option<String>,
    outputs: Vec<InferOutput>,
}

/// A tensor that is answered.
#[derive(ToSchema)]
#[allow(dead_code)]
struct InferOutput {
    name: String,
    shape: Vec<u64>,
    #[schema(schema_with = datatype)]
    datatype: String,
    /// The values, flat.
    data: Vec<Value>,
}

/// What `load` can be told: nothing that would take the place of what is in the registry.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct RepositoryLoadRequest {
    #[schema(required = false, schema_with = load_parameters)]
    parameters: Map<String, Value>,
}

fn load_parameters() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^(?!config$|file:)"));
    ObjectBuilder::new().schema_type(Type::Object).property_names(Some(name.build())).build()
}

/// The schema of a tensor's element type.
pub fn datatype() -> Object {
    let names = Datatype::ALL.iter().map(|datatype| datatype.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}
