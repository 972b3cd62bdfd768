//! `/v2/models/{model}/infer` for one model: the tensors that it takes and gives.

use super::example::Example;
use super::tensors::{element, nested};
use serde_json::{Value, json};
use servoir_codec::Model;
use servoir_types::{Datatype, Signature, TensorSpec};

/// The most dimensions of a tensor.
const RANK_MAX: usize = 8;

/// Whether every tensor of a model has a JSON form in this protocol; BF16 has none.
pub fn has_json_form(signature: &Signature) -> bool {
    signature.inputs.iter().chain(&signature.outputs).all(|tensor| tensor.datatype != Datatype::Bf16)
}

/// The schema of a body.
pub fn schema(model: Model<'_>) -> Value {
    let inputs = &model.signature.inputs;
    let tensors: Vec<_> = inputs.iter().map(|spec| input(spec, model.rows_max)).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["inputs"],
        "properties": {
            "id": {"type": ["string", "null"], "description": "The caller's own, which comes back."},
            "parameters": request_parameters(),
            "inputs": {
                "description": "Each input once, in this order or another; all have as many rows.",
                "type": "array", "prefixItems": tensors, "items": false,
                "minItems": inputs.len(), "maxItems": inputs.len()
            },
            "model_name": repeated(),
            "model_version": repeated(),
            "outputs": {
                "description": "Which outputs, each at most once, in which order; by default all.",
                "type": ["array", "null"], "items": requested_output(&model.signature.outputs),
                "maxItems": model.signature.outputs.len()
            }
        }
    })
}

/// A body that works as it stands.
pub fn example(examples: &[Example<'_>]) -> Value {
    let inputs = examples.iter().map(|Example { spec, dims }| (spec, dims)).zip(examples);
    let inputs = inputs.map(|((spec, dims), example)| {
        json!({"name": spec.name, "shape": dims, "datatype": spec.datatype, "data": example.flat()})
    });
    json!({"inputs": inputs.collect::<Vec<_>>()})
}

/// The schema of the answer.
pub fn answer(signature: &Signature) -> Value {
    let output = |spec: &TensorSpec| {
        json!({
            "type": "object",
            "required": ["name", "shape", "datatype"],
            "properties": {
                "name": {"const": spec.name},
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "datatype": {"enum": [spec.datatype, "BYTES"], "description": "BYTES for classes."},
                "data": {"type": "array", "description": "The values, flat; absent when they come behind the JSON."}
            }
        })
    };
    json!({
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {"type": "array", "items": {"anyOf": signature.outputs.iter().map(output).collect::<Vec<_>>()}}
        }
    })
}

fn request_parameters() -> Value {
    parameters(
        "",
        json!({
            "priority": unsigned(0, "1 goes first, larger numbers later; 0 is the default."),
            "timeout": unsigned(0, "In microseconds; 0 stands for no limit of the caller's own."),
            "binary_data_output": flag("Whether outputs that do not say their form come as binary tensors.")
        }),
    )
}

/// Parameters with a meaning, and others, which are passed over, but for those that `refused` and the protocol's extensions
/// for sequences and shared memory name.
fn parameters(refused: &str, known: Value) -> Value {
    json!({
        "type": ["object", "null"],
        "properties": known,
        "propertyNames": {"pattern": format!("^(?!{refused}sequence_|shared_memory_)")},
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]}
    })
}

fn input(spec: &TensorSpec, rows_max: usize) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"type": "string", "enum": [spec.name]},
            "shape": shape(spec, rows_max),
            "datatype": {"type": "string", "enum": [spec.datatype]},
            "parameters": parameters("binary_data_size$|", json!({})),
            "data": data(spec)
        }
    })
}

fn shape(spec: &TensorSpec, rows_max: usize) -> Value {
    let Some(dims) = spec.shape.dims() else {
        return json!({"type": "array", "items": {"type": "integer", "minimum": 0}, "maxItems": RANK_MAX});
    };
    let lengths = dims.iter().enumerate().map(|(position, &dim)| match (position, dim) {
        (0, ..0) => json!({"type": "integer", "minimum": 1, "maximum": rows_max}),
        (_, ..0) => json!({"type": "integer", "minimum": 0}),
        _ => json!({"type": "integer", "enum": [dim]}),
    });
    json!({
        "type": "array", "prefixItems": lengths.collect::<Vec<_>>(), "items": false,
        "minItems": dims.len(), "maxItems": dims.len()
    })
}

/// The values, flat or nested: as many as the shape says.
fn data(spec: &TensorSpec) -> Value {
    let element = element(spec);
    let Some(dims) = spec.shape.dims() else { return json!({"type": "array"}) };
    let size = dims.iter().try_fold(1i64, |size, &dim| size.checked_mul(dim.max(1))).unwrap_or(i64::MAX);
    let mut flat = json!({"type": "array", "items": element, "minItems": size});
    if dims.iter().all(|&dim| dim >= 0) {
        flat["maxItems"] = size.into();
    }
    if dims.len() < 2 {
        return flat;
    }
    let mut lists = nested(dims, &element);
    if dims[0] < 0 {
        lists["minItems"] = 1.into();
    }
    json!({"anyOf": [flat, lists]})
}

fn requested_output(outputs: &[TensorSpec]) -> Value {
    let output = |spec: &TensorSpec| {
        let mut known = json!({"binary_data": flag("Whether it comes as a binary tensor.")});
        if matches!(spec.datatype, Datatype::Bool | Datatype::Bytes) {
            known["classification"] = json!({"type": "null"});
        } else {
            known["classification"] = unsigned(1, "So many of the best classes in place of the values.");
        }
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "enum": [spec.name]},
                "parameters": parameters("", known)
            }
        })
    };
    json!({"anyOf": outputs.iter().map(output).collect::<Vec<_>>()})
}

/// What the path has said, and some clients repeat.
fn repeated() -> Value {
    json!({"type": ["string", "null"], "description": "The path says it; some clients repeat it."})
}

fn flag(description: &str) -> Value {
    json!({"type": ["boolean", "null"], "description": description})
}

fn unsigned(minimum: u64, description: &str) -> Value {
    json!({"type": ["integer", "null"], "minimum": minimum, "maximum": u64::MAX, "description": description})
}
