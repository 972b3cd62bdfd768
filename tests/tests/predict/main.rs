//! Predictions over `/v1/predict` and `/v2`, against the answers of the libraries that the models come from.

mod batching;
mod binary;
mod compression;
mod datatypes;
mod forms;
mod oracles;
mod protocol;
mod repository;
mod shapes;
mod statistics;

use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;

/// The tensors of a case, nested as their shapes say.
pub fn nested_inputs(case: &Value) -> Value {
    let inputs = case["inputs"].as_object().expect("inputs by name");
    inputs.iter().map(|(name, tensor)| (name.clone(), nested(tensor))).collect::<serde_json::Map<_, _>>().into()
}

/// A tensor of a case, nested as its shape says.
pub fn nested(tensor: &Value) -> Value {
    let dims: Vec<usize> = dims(tensor);
    let data = tensor["data"].as_array().expect("data");
    nest(data, &dims)
}

/// A tensor's dimensions.
pub fn dims(tensor: &Value) -> Vec<usize> {
    let dims = tensor["shape"].as_array().expect("a shape").iter();
    dims.map(|dim| dim.as_u64().expect("a dimension") as usize).collect()
}

fn nest(data: &[Value], dims: &[usize]) -> Value {
    match dims {
        [] => data[0].clone(),
        [_] => data.to_vec().into(),
        [count, inner @ ..] => {
            let size: usize = inner.iter().product();
            (0..*count).map(|n| nest(&data[n * size..(n + 1) * size], inner)).collect::<Vec<_>>().into()
        }
    }
}

/// All values of nested lists, in order.
pub fn flat(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        one => vec![one.clone()],
    }
}

/// Fails unless the values are equal, numbers within `tolerance` relative to their size.
#[track_caller]
pub fn assert_close(came: &[Value], expected: &[Value], tolerance: f64, what: &str) {
    assert_eq!(came.len(), expected.len(), "{what}: {came:?} for {expected:?}");
    for (position, (came, expected)) in came.iter().zip(expected).enumerate() {
        let equal = match (came.as_f64(), expected.as_f64()) {
            (Some(a), Some(b)) if came.is_f64() || expected.is_f64() => (a - b).abs() <= tolerance * b.abs().max(1.0),
            _ => came == expected,
        };
        assert!(equal, "{what}, value {position}: {came} for {expected}");
    }
}

/// A `/v2` input.
pub fn tensor(name: &str, datatype: &str, shape: Value, data: Value) -> Value {
    json!({"name": name, "datatype": datatype, "shape": shape, "data": data})
}

/// Whether a case has rows.
pub fn has_rows(case: &Value) -> bool {
    case["inputs"].as_object().expect("inputs").values().all(|tensor| dims(tensor).first() != Some(&0))
}

/// The first row of the first case of a fixture.
pub fn first_row(fixture: &Fixture) -> Vec<Value> {
    Fixture::rows(&fixture.cases[0])[0].clone()
}
