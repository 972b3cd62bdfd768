//! Bodies of `/v1/predict`, for any model; a model's own document says which tensors it takes.

use serde_json::{Value, json};
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What is asked: one of `instances`, `inputs` and `input_data`.
pub struct PredictRequest;

impl ToSchema for PredictRequest {
    fn name() -> std::borrow::Cow<'static, str> {
        "PredictRequest".into()
    }
}

impl PartialSchema for PredictRequest {
    fn schema() -> RefOr<Schema> {
        let rows = list_or_object(ObjectBuilder::new(), "Values by name.");
        let instances = ArrayBuilder::new().items(any()).min_items(Some(1));
        let instances = instances.description(Some("Rows: lists of values, or values by the features' names."));
        let forms = OneOfBuilder::new()
            .description(Some("Rows, tensors, or one row; a model's own document says what it takes."))
            .item(form("instances", instances.into(), json!([[0.5, 1.5], [2.5, 3.5]])))
            .item(form("inputs", rows.clone(), json!({"input": [[0.5, 1.5]]})))
            .item(form("input_data", rows, json!([0.5, 1.5])));
        forms.into()
    }
}

/// One form of the body: the field `name`, and what may stand beside each form.
fn form(name: &str, field: RefOr<Schema>, example: Value) -> ObjectBuilder {
    let optional = |kind| ObjectBuilder::new().schema_type(SchemaType::Array(vec![kind, Type::Null]));
    let id = || ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(256));
    let ids = ArrayBuilder::new().schema_type(SchemaType::Array(vec![Type::Array, Type::Null])).items(id());
    let sources = [json!("test"), Value::Null];
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property(name, field)
        .required(name)
        .property("entityId", id().schema_type(SchemaType::Array(vec![Type::String, Type::Null])))
        .property("entityIds", ids.description(Some("One for each row, in place of `entityId`.")))
        .property("logPrediction", optional(Type::Boolean).description(Some("By default true.")))
        .property("source", optional(Type::String).enum_values(Some(sources)))
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
        .examples([json!({name: example})])
}

fn list_or_object(object: ObjectBuilder, description: &str) -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(any());
    AnyOfBuilder::new().item(list).item(object.schema_type(Type::Object)).description(Some(description)).into()
}

fn any() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// What is answered.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code)] // describes the answer, which is written value by value
pub struct PredictResponse {
    /// The model's id.
    model_id: String,
    /// The version that answered.
    #[schema(minimum = 1)]
    version: u64,
    /// One for each row.
    prediction_ids: Vec<String>,
    /// One for each row: a label, a value, a list of values, or values by the outputs' names.
    predictions: Vec<Value>,
    /// One list for each row, in the order of `classes`, when the model has probabilities.
    #[schema(nullable = false)]
    probabilities: Option<Vec<Value>>,
    /// The class that each probability stands for: texts or whole numbers.
    #[schema(nullable = false)]
    classes: Option<Vec<Value>>,
    /// The only row's prediction, for `input_data`.
    prediction: Option<Value>,
    /// The only row's id, for `input_data`.
    #[schema(nullable = false)]
    prediction_id: Option<String>,
    /// From the request's head to the answer.
    latency_ms: f64,
}
