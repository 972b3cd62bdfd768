//! Models with the answers of the libraries that they come from.

use crate::environment;
use serde_json::Value;

/// A model file and what it must answer.
pub struct Fixture {
    /// The folder's name.
    pub name: String,
    /// `model.onnx`.
    pub model: Vec<u8>,
    /// `cases` of `cases.json`: inputs, outputs of the original library, tolerance.
    pub cases: Vec<Value>,
}

impl Fixture {
    /// Reads a fixture.
    ///
    /// # Panics
    /// When the set-up has not made it.
    pub fn read(name: &str) -> Self {
        let folder = environment::fixtures().join(name);
        let file = |file: &str| {
            std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("fixture {name}/{file}: {error}"))
        };
        let cases: Value = serde_json::from_slice(&file("cases.json")).expect("cases.json is JSON");
        let cases = cases["cases"].as_array().expect("cases is a list").clone();
        Self { name: name.to_owned(), model: file("model.onnx"), cases }
    }

    /// A file of the `hostile` folder.
    ///
    /// # Panics
    /// When the set-up has not made it.
    pub fn hostile(file: &str) -> Vec<u8> {
        let path = environment::fixtures().join("hostile").join(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A case as the body of a `/v2` inference.
    pub fn v2_body(case: &Value) -> Value {
        let inputs = case["inputs"].as_object().expect("inputs by name");
        let inputs = inputs.iter().map(|(name, tensor)| {
            serde_json::json!({"name": name, "shape": tensor["shape"], "datatype": tensor["datatype"], "data": tensor["data"]})
        });
        serde_json::json!({"inputs": inputs.collect::<Vec<_>>()})
    }

    /// The rows of a case's single two-dimensional input.
    pub fn rows(case: &Value) -> Vec<Vec<Value>> {
        let inputs = case["inputs"].as_object().expect("inputs by name");
        let tensor = inputs.values().next().expect("one input");
        let width = tensor["shape"][1].as_u64().expect("a second dimension") as usize;
        tensor["data"].as_array().expect("data").chunks(width).map(<[Value]>::to_vec).collect()
    }
}
