//! `/v1/predict` for one model: the rows that it takes.

use super::example::Example;
use super::tensors::{element, nested, rows, takes_null};
use serde_json::{Map, Value, json};
use servoir_codec::Model;
use servoir_types::TensorSpec;

/// The schema of a body: rows, tensors, or one row.
pub fn schema(model: Model<'_>) -> Value {
    let forms = [("instances", instances(model)), ("inputs", inputs(model)), ("input_data", one_row(model))];
    let forms: Vec<_> =
        forms.into_iter().filter_map(|(field, schema)| schema.map(|schema| form(field, schema))).collect();
    json!({ "oneOf": forms })
}

/// A body that works as it stands.
pub fn example(model: Model<'_>, examples: &[Example<'_>]) -> Value {
    match (model.signature.inputs.as_slice(), examples) {
        ([TensorSpec { feature_names: Some(names), .. }], [only]) => json!({"instances": only.named_rows(names)}),
        ([_], [only]) if !only.dims.is_empty() => json!({"instances": only.nested()}),
        (inputs, _) if inputs.iter().all(is_column) && declared_rows(model).is_none() => {
            let values = |example: &Example<'_>| Some((example.spec.name.clone(), example.flat().into_iter().next()?));
            json!({"instances": [examples.iter().filter_map(values).collect::<Map<_, _>>()]})
        }
        _ => {
            let inputs = examples.iter().map(|example| (example.spec.name.clone(), example.nested()));
            json!({"inputs": inputs.collect::<Map<_, _>>()})
        }
    }
}

/// One form of the body, and what may stand beside each.
fn form(field: &str, schema: Value) -> Value {
    let id = json!({"type": "string", "minLength": 1, "maxLength": 256});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": [field],
        "properties": {
            field: schema,
            "entityId": {"type": ["string", "null"], "minLength": 1, "maxLength": 256, "description": "Whom the only row is about."},
            "entityIds": {"type": ["array", "null"], "items": id, "description": "Whom each row is about; instead of `entityId`."},
            "logPrediction": {"type": ["boolean", "null"]},
            "source": {"type": ["string", "null"], "enum": ["test", null], "description": "Kept out of monitoring."}
        }
    })
}

/// Rows as lists, when there is one input; rows by name, when the model names what is in them.
fn instances(model: Model<'_>) -> Option<Value> {
    let by_name = named_row(model).map(|row| {
        let mut list = json!({"type": "array", "items": row, "minItems": 1, "maxItems": model.rows_max});
        if let Some(count) = declared_rows(model) {
            list["minItems"] = count.into();
            list["maxItems"] = count.into();
        }
        list
    });
    either(only_input(model).and_then(|input| tensor(input, model)), by_name)
}

/// Tensors by name, or the only one by itself.
fn inputs(model: Model<'_>) -> Option<Value> {
    let schema = |input: &TensorSpec| match input.shape.dims() {
        Some([]) => element(input),
        _ => tensor(input, model).unwrap_or_default(),
    };
    let names: Vec<_> = model.signature.inputs.iter().map(|input| input.name.as_str()).collect();
    let properties: Map<_, _> =
        model.signature.inputs.iter().map(|input| (input.name.clone(), schema(input))).collect();
    let by_name = json!({"type": "object", "required": names, "properties": properties, "additionalProperties": false});
    either(Some(by_name), only_input(model).map(schema))
}

/// One row, as a list or by name.
fn one_row(model: Model<'_>) -> Option<Value> {
    if declared_rows(model).is_some_and(|count| count != 1) {
        return None;
    }
    let row = only_input(model).and_then(|input| match input.shape.dims() {
        Some([]) => None,
        Some([_, inner @ ..]) => Some(nested(inner, &element(input))),
        None => Some(json!({"type": "array"})),
    });
    either(row, named_row(model))
}

fn only_input<'m>(model: Model<'m>) -> Option<&'m TensorSpec> {
    match model.signature.inputs.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The number of rows, where the model declares it.
fn declared_rows(model: Model<'_>) -> Option<usize> {
    let counts = model.signature.inputs.iter().filter_map(|input| input.shape.dims()?.first().copied());
    counts.filter_map(|count| usize::try_from(count).ok()).next()
}

/// Lists of rows; `None` for an input that has none.
fn tensor(input: &TensorSpec, model: Model<'_>) -> Option<Value> {
    match input.shape.dims() {
        Some([]) => None,
        Some(dims) => Some(rows(dims, &element(input), model.rows_max)),
        None => Some(json!({"type": "array", "minItems": 1})),
    }
}

/// A row by the names of its columns: the features of the only input, or the inputs.
fn named_row(model: Model<'_>) -> Option<Value> {
    let (names, properties): (Vec<&str>, Map<String, Value>) = match model.signature.inputs.as_slice() {
        [input @ TensorSpec { feature_names: Some(names), .. }] => {
            let required = names.iter().filter(|_| !takes_null(input)).map(String::as_str).collect();
            (required, names.iter().map(|name| (name.clone(), element(input))).collect())
        }
        [one] if !is_column(one) => return None,
        inputs if inputs.iter().any(|input| input.shape.dims().is_some_and(<[i64]>::is_empty)) => return None,
        inputs => {
            let required = inputs.iter().filter(|input| !takes_null(input)).map(|input| input.name.as_str()).collect();
            (required, inputs.iter().map(|input| (input.name.clone(), cell(input))).collect())
        }
    };
    Some(json!({"type": "object", "required": names, "properties": properties, "additionalProperties": false}))
}

/// Whether a row of this input is one value.
fn is_column(input: &TensorSpec) -> bool {
    matches!(input.shape.dims(), None | Some([_] | [_, 1]))
}

/// What a row holds of an input; a column's value may stand by itself.
fn cell(input: &TensorSpec) -> Value {
    let element = element(input);
    match input.shape.dims() {
        Some([_, 1]) => json!({"anyOf": [element, nested(&[1], &element)]}),
        Some([_, inner @ ..]) => nested(inner, &element),
        _ => nested(&[-1], &element),
    }
}

fn either(one: Option<Value>, other: Option<Value>) -> Option<Value> {
    match (one, other) {
        (Some(one), Some(other)) => Some(json!({"anyOf": [one, other]})),
        (one, other) => one.or(other),
    }
}
