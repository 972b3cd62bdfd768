//! Bodies of the Open Inference Protocol; a model's own document says which tensors it takes.

use crate::http::openapi::texts::nullable;
use serde_json::{Map, Value};
use servoir_types::Datatype;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// What is asked: every input of the model, by name.
#[derive(ToSchema)]
#[schema(example = json!({"inputs": [{"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1.5]}]}))]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes the body, which is read value by value
pub struct InferRequest {
    /// The caller's own, which comes back.
    id: Option<String>,
    #[schema(schema_with = request_parameters)]
    parameters: Option<Map<String, Value>>,
    inputs: Vec<InferInput>,
    /// Which outputs, in which order; by default all, in the model's.
    outputs: Option<Vec<RequestedOutput>>,
    /// The path says it; some clients repeat it.
    model_name: Option<String>,
    /// The path says it.
    model_version: Option<String>,
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
    #[schema(schema_with = input_parameters)]
    parameters: Option<Map<String, Value>>,
    /// The values, flat or nested as the shape says.
    data: Option<Vec<Value>>,
}

/// An output that is asked for.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct RequestedOutput {
    name: String,
    #[schema(schema_with = output_parameters)]
    parameters: Option<Map<String, Value>>,
}

/// Values that mean something to the server, and others, which are passed over.
fn request_parameters() -> Object {
    let priority = unsigned("1 goes first, larger numbers later; 0 is the default.");
    let timeout = unsigned("In microseconds; 0 stands for no limit of the caller's own.");
    let binary = flag("Whether outputs that do not say their form come as binary tensors.");
    let source = ObjectBuilder::new().description(Some("\"test\" keeps the request out of monitoring."));
    let parameters = parameters().property("priority", priority).property("timeout", timeout);
    let entity = ObjectBuilder::new().description(Some("Whom the request is about, when it is a text."));
    let parameters = parameters.property("source", source.schema_type(SchemaType::AnyValue));
    let parameters = parameters.property("entity_id", entity.schema_type(SchemaType::AnyValue));
    parameters.property("binary_data_output", binary).build()
}

fn input_parameters() -> Object {
    parameters()
        .property("binary_data_size", unsigned("Bytes of the tensor behind the JSON, in place of `data`."))
        .build()
}

fn output_parameters() -> Object {
    let classes = "So many of the best classes of each row in place of its values, as `score:index:label`.";
    let parameters = parameters().property("classification", unsigned(classes).minimum(Some(1)));
    parameters.property("binary_data", flag("Whether it comes as a binary tensor.")).build()
}

fn parameters() -> ObjectBuilder {
    let scalar = SchemaType::Array(vec![Type::String, Type::Number, Type::Boolean, Type::Null]);
    let scalar = ObjectBuilder::new().schema_type(scalar);
    ObjectBuilder::new().schema_type(nullable(Type::Object)).additional_properties(Some(scalar))
}

fn unsigned(description: &str) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(nullable(Type::Integer)).minimum(Some(0));
    number.description(Some(description))
}

fn flag(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(nullable(Type::Boolean)).description(Some(description))
}

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
    #[schema(nullable = false)]
    parameters: Option<InferOutputParameters>,
    /// The values, flat; absent when they come behind the JSON.
    #[schema(nullable = false)]
    data: Option<Vec<Value>>,
}

/// Where a tensor in binary form is.
#[derive(ToSchema)]
#[allow(dead_code)]
struct InferOutputParameters {
    /// Its bytes behind the JSON.
    binary_data_size: u64,
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
