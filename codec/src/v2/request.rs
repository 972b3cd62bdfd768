//! The body of `…/infer`.

use super::binary::{HEADER, Parts, only_input};
use super::input;
use super::outputs::{Outputs, Wanted};
use super::parameters::OfRequest;
use crate::fault::Fault;
use crate::inputs::Inputs;
use crate::json::fields::{self, Fields, mistyped};
use crate::json::path::Path;
use crate::json::scanner::Scanner;
use crate::model::Model;
use bytes::Bytes;
use servoir_types::Tensor;
use std::time::Duration;

/// KServe's clients repeat the model's name, which the path has said.
const FIELDS: &[&str] = &["id", "parameters", "inputs", "outputs", "model_name", "model_version"];

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    /// The caller's own id, which comes back.
    pub id: Option<String>,
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// In the caller's order.
    pub outputs: Vec<Wanted>,
    /// Whether the request wants outputs in binary form where they do not say otherwise.
    pub binary_output_default: bool,
    /// As Triton has it: 1 goes first, larger numbers later, 0 is the default.
    pub priority: u64,
    /// How long the caller waits.
    pub timeout: Option<Duration>,
    /// Whether monitoring may see it: it is no test.
    pub observed: bool,
}

impl Asked {
    /// Reads a body for a model. `head_bytes` is the length of its JSON, behind which tensors follow in binary form; `None`
    /// when it is JSON alone, 0 when it is nothing but the tensor of the model's only input.
    ///
    /// # Errors
    /// 400, saying which input or output, what was expected and what came; 413 for more rows than may wait.
    pub fn read(body: &Bytes, head_bytes: Option<usize>, model: Model<'_>) -> Result<Self, Fault> {
        let head_bytes = head_bytes.unwrap_or(body.len());
        if head_bytes == 0 && !body.is_empty() {
            return Self::of_tensor(only_input(body, model)?, model);
        }
        let Some(head) = body.get(..head_bytes) else {
            let came = body.len();
            return Err(Fault::Form(format!("{HEADER} is {head_bytes}, the body has {came} bytes")));
        };
        let mut scanner = Scanner::new(head);
        let mut fields = Fields::open(&mut scanner, &Path::Root, FIELDS)?;
        let (mut inputs, mut parts) = (None, Parts::default());
        let mut outputs = Outputs::of(model);
        let (mut id, mut parameters) = (None, OfRequest::default());
        while let Some(key) = fields.next(&mut scanner)? {
            let path = Path::Root.field(key);
            match key {
                "id" => id = fields::text(&mut scanner, &path)?.map(String::from),
                "parameters" => parameters = OfRequest::read(&mut scanner, &path)?,
                "inputs" => inputs = Some(read_inputs(&mut scanner, &path, model, &mut parts)?),
                "outputs" => outputs.read(&mut scanner, &path)?,
                _ => drop(fields::text(&mut scanner, &path)?),
            }
        }
        scanner.end()?;
        let Some(mut inputs) = inputs else { return Err(Fault::Form("missing field `inputs`".to_owned())) };
        parts.read(body.slice(head_bytes..), &mut inputs)?;
        let binary_output_default = parameters.binary_output_default();
        Ok(Self {
            id,
            inputs: inputs.finish()?,
            outputs: outputs.finish(binary_output_default),
            binary_output_default,
            priority: parameters.priority(),
            timeout: parameters.timeout(),
            observed: parameters.is_observed(),
        })
    }

    /// All outputs in binary form, for one tensor in binary form.
    fn of_tensor(tensor: Tensor, model: Model<'_>) -> Result<Self, Fault> {
        let outputs = Outputs::of(model).finish(true);
        let inputs = vec![tensor];
        Ok(Self { id: None, inputs, outputs, binary_output_default: true, priority: 0, timeout: None, observed: true })
    }
}

fn read_inputs<'m>(
    scanner: &mut Scanner<'_>,
    path: &Path<'_>,
    model: Model<'m>,
    parts: &mut Parts<'m>,
) -> Result<Inputs<'m>, Fault> {
    if !scanner.eat(b'[') {
        return Err(mistyped(scanner, path, "a list"));
    }
    let mut inputs = Inputs::of(model);
    let mut count = 0;
    while scanner.next_item(count == 0)? {
        input::read(scanner, &path.item(count), model, &mut inputs, parts)?;
        count += 1;
    }
    Ok(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use servoir_types::{Data, Datatype, Kind, Shape, Signature, TensorSpec};

    fn signature() -> Signature {
        let spec = |name, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
        Signature {
            inputs: vec![spec("x", Datatype::Fp32, &[-1, 2]), spec("s", Datatype::Bytes, &[-1])],
            outputs: vec![spec("label", Datatype::Int64, &[-1]), spec("p", Datatype::Fp32, &[-1, 2])],
        }
    }

    fn read(body: &str) -> Result<Asked, Fault> {
        read_all(&Bytes::copy_from_slice(body.as_bytes()), None)
    }

    fn read_all(body: &Bytes, head_bytes: Option<usize>) -> Result<Asked, Fault> {
        Asked::read(body, head_bytes, Model { name: "m", version: 2, signature: &signature(), rows_max: 4 })
    }

    /// A good request, changed.
    fn body(change: impl FnOnce(&mut Value)) -> String {
        let mut body = json!({"inputs": [
            {"name": "s", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
            {"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2.5, 3, 4]},
        ]});
        change(&mut body);
        body.to_string()
    }

    #[test]
    fn inputs_come_in_any_order_flat_or_nested() {
        let nested = body(|body| body["inputs"][1]["data"] = json!([[1, 2.5], [3, 4]]));
        for text in [body(|_| {}), nested] {
            let asked = read(&text).unwrap();
            let x = Tensor::new(vec![2, 2], Data::Fp32(vec![1.0, 2.5, 3.0, 4.0].into())).unwrap();
            let s = Tensor::new(vec![2], Data::Bytes(vec!["a".into(), "b".into()])).unwrap();
            assert_eq!(asked.inputs, [x, s]);
            assert_eq!(asked.outputs.iter().map(|output| output.position).collect::<Vec<_>>(), [0, 1]);
        }
        let empty = body(|body| {
            body["inputs"][0] = json!({"name": "s", "datatype": "BYTES", "shape": [0], "data": []});
            body["inputs"][1] = json!({"name": "x", "datatype": "FP32", "shape": [0, 2], "data": []});
        });
        assert_eq!(read(&empty).unwrap().inputs[0].shape(), [0, 2]);
    }

    #[test]
    fn outputs_and_parameters_are_taken() {
        let text = body(|body| {
            body["id"] = json!("42");
            body["parameters"] = json!({"priority": 1, "timeout": 1500, "binary_data_output": false});
            body["outputs"] = json!([{"name": "p", "parameters": {"classification": 2}}, {"name": "label"}]);
        });
        let asked = read(&text).unwrap();
        let wanted = |position, classes| Wanted { position, classes, binary: false };
        assert_eq!(asked.outputs, [wanted(1, Some(2)), wanted(0, None)]);
        assert_eq!((asked.id.as_deref(), asked.priority), (Some("42"), 1));
        assert_eq!(asked.timeout, Some(Duration::from_micros(1500)));
        for (priority, expected) in [(0, 0), (2, 2), (3, 3)] {
            let text = body(|body| body["parameters"] = json!({"priority": priority, "timeout": 0}));
            let asked = read(&text).unwrap();
            assert_eq!((asked.priority, asked.timeout), (expected, None));
        }
    }

    #[test]
    fn fields_come_in_any_order() {
        for (source, observed) in [(json!("test"), false), (json!("live"), true), (json!(7), true), (json!(null), true)]
        {
            let text = body(|body| body["parameters"] = json!({"source": source}));
            assert_eq!(read(&text).unwrap().observed, observed, "{text}");
        }
        let text = r#"{"outputs":[{"parameters":{"binary_data":false},"name":"p"},{"name":"label"}],
            "inputs":[{"data":[[1,2.5],[3,4]],"datatype":"FP32","shape":[2,2],"name":"x"},
                      {"data":["a","b"],"name":"s","parameters":{"content_type":"str"},"datatype":"BYTES","shape":[2]}],
            "model_name":"other","id":"7","parameters":{"binary_data_output":true,"sequence_id":0,"sequence_end":false,"f":1.5}}"#;
        let asked = read(text).unwrap();
        assert_eq!(asked.inputs, read(&body(|_| {})).unwrap().inputs);
        let wanted = |position, binary| Wanted { position, classes: None, binary };
        assert_eq!(asked.outputs, [wanted(1, false), wanted(0, true)]);
        assert_eq!((asked.id.as_deref(), asked.binary_output_default), (Some("7"), true));
    }

    #[test]
    fn keys_come_once() {
        let cases = [
            (r#"{"inputs":[],"inputs":[]}"#, "the body: 'inputs' came twice"),
            (r#"{"inputs":[{"name":"x","name":"s"}]}"#, "inputs[0]: 'name' came twice"),
            (r#"{"parameters":{"priority":1,"priority":2}}"#, "parameters.priority came twice"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
    }

    /// A head for both inputs, `x` in binary form, and what follows it.
    fn with_behind(head: &str, behind: &[u8]) -> (Bytes, Option<usize>) {
        ([head.as_bytes(), behind].concat().into(), Some(head.len()))
    }

    const X: &str = r#"{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}"#;
    const S: &str = r#"{"name":"s","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}"#;
    const S_JSON: &str = r#"{"name":"s","shape":[1],"datatype":"BYTES","data":["a"]}"#;

    #[test]
    fn tensors_follow_the_json_in_its_order() {
        let numbers = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];
        let text = [1, 0, 0, 0, b'a'];
        let cases = [
            (format!(r#"{{"inputs":[{X},{S}]}}"#), [&numbers[..], &text].concat()),
            (format!(r#"{{"inputs":[{S},{X}]}}"#), [&text[..], &numbers].concat()),
            (format!(r#"{{"inputs":[{X},{S_JSON}]}}"#), numbers.to_vec()),
            (format!(r#"{{"inputs":[{S_JSON},{X}]}}"#), numbers.to_vec()),
        ];
        for (head, behind) in cases {
            let (body, head_bytes) = with_behind(&head, &behind);
            let asked = read_all(&body, head_bytes).unwrap_or_else(|error| panic!("{head}: {error}"));
            let x = Tensor::new(vec![1, 2], Data::Fp32(vec![1.0, -2.0].into())).unwrap();
            let s = Tensor::new(vec![1], Data::Bytes(vec!["a".into()])).unwrap();
            assert_eq!(asked.inputs, [x, s], "{head}");
        }
        // All JSON, and the header says so.
        let text = body(|_| {});
        assert!(read_all(&Bytes::from(text.clone()), Some(text.len())).is_ok());
        let empty = r#"{"inputs":[{"name":"x","shape":[0,2],"datatype":"FP32","parameters":{"binary_data_size":0},"data":null},
            {"name":"s","shape":[0],"datatype":"BYTES","data":[]}]}"#;
        assert_eq!(read(empty).unwrap().inputs[0].shape(), [0, 2]);
    }

    #[test]
    fn binary_data_that_does_not_fit_is_refused() {
        let both = format!(r#"{{"inputs":[{X},{S}]}}"#);
        let huge = both.replace(":8}", ":18446744073709551615}");
        let wrong = both.replace(":8}", ":7}").replace(":5}", ":6}");
        let cases = [
            (
                with_behind(&both, &[0; 12]),
                "binary_data_size: the inputs have 13 bytes of binary data together, 12 came",
            ),
            (
                with_behind(&both, &[0; 14]),
                "binary_data_size: the inputs have 13 bytes of binary data together, 14 came",
            ),
            (with_behind(&huge, &[0; 4]), "binary_data_size: the inputs have more than can be counted bytes"),
            (with_behind(&wrong, &[0; 13]), "input 'x': shape [1, 2] of FP32 takes 2 × 4 bytes, 7 came"),
            ((both.clone().into(), None), "binary_data_size: the inputs have 13 bytes of binary data together, 0 came"),
            ((both.clone().into(), Some(1000)), "Inference-Header-Content-Length is 1000, the body has"),
            ((both.into(), Some(20)), "the body is not JSON: "),
            (
                (Bytes::from_static(&[1]), Some(0)),
                "Inference-Header-Content-Length is 0, so the body is one tensor: model",
            ),
            ((Bytes::new(), Some(0)), "the body is not JSON: a value was expected, the text ends"),
        ];
        for ((body, head_bytes), expected) in cases {
            let error = read_all(&body, head_bytes).unwrap_err();
            assert!(error.to_string().starts_with(expected), "said: {error}\nexpected: {expected}");
            assert_eq!(error.kind(), Kind::Malformed);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let x = |key: &'static str, value: Value| body(move |body| body["inputs"][1][key] = value);
        let top = |key: &'static str, value: Value| body(move |body| body[key] = value);
        let bad = Kind::Malformed;
        let mismatch = Kind::Unprocessable;
        let cases = [
            ("[]".to_owned(), bad, "the body: a list came where an object belongs"),
            ("{}".to_owned(), bad, "missing field `inputs`"),
            (r#"{"inputs": [["x", [1, 2]]]}"#.to_owned(), bad, "inputs[0]: a list came where an object belongs"),
            (x("shape", json!([-1, 2])), bad, "input 'x': shape [-1, 2] has a dimension below 0"),
            (x("shape", json!(["2", 2])), bad, "inputs[1].shape[0]: \"2\" came where a whole number belongs"),
            (
                x("shape", json!([1i64 << 62, 30])),
                bad,
                "input 'x': shape [4611686018427387904, 30] has more elements than",
            ),
            (x("shape", json!([1, 1, 1, 1, 1, 1, 1, 1, 4])), bad, "input 'x' has 9 dimensions, at most 8 are taken"),
            (x("shape", json!([4])), mismatch, "input 'x' of model 'm' v2 has shape [-1, 2]; [4] came"),
            (x("shape", json!([1, 2])), bad, "input 'x': shape [1, 2] has 2 elements, 4 came"),
            (x("shape", json!([5, 2])), Kind::TooLarge, "more than 4 rows came"),
            (x("datatype", json!("FP64")), bad, "input 'x' of model 'm' v2 is FP32, FP64 came"),
            (x("data", json!(null)), bad, "input 'x' has no data"),
            (x("data", json!(5)), bad, "input 'x': data must be a list"),
            (x("data", json!([[1, 2], [3]])), bad, "input 'x', row 1: the shape says 2 here, the data has 1"),
            (x("data", json!([[[1, 2], [3, 4]]])), bad, "input 'x': data is nested 3 deep and shape [2, 2] has 2"),
            (x("data", json!([1, 2, null, 4])), mismatch, "input 'x', value 2: null came"),
            (x("data", json!([1, 2, "a", 4])), mismatch, "input 'x', value 2: \"a\" came where FP32 takes numbers"),
            (x("name", json!("xx")), mismatch, "inputs: model 'm' v2 has no input 'xx'"),
            (x("name", json!("s")), bad, "inputs: 's' came twice"),
            (
                x("parameters", json!({"binary_data_size": 16})),
                bad,
                "input 'x' has data and binary_data_size; send one of them",
            ),
            (top("inputs", json!([])), mismatch, "inputs: model 'm' v2 also needs 'x', 's'"),
            (top("model", json!(1)), bad, "model: unknown field `model`"),
            (
                top("parameters", json!({"timeout": "soon"})),
                bad,
                "parameters.timeout: \"soon\" came where a whole number from 0 belongs",
            ),
            (
                top("parameters", json!({"sequence_id": 1})),
                bad,
                "parameters.sequence_id: models have no sequences here",
            ),
            (top("parameters", json!({"sequence_start": true})), bad, "parameters.sequence_start: models have no"),
            (top("parameters", json!({"x": [1]})), bad, "parameters.x: a list came where a string, a number"),
            (top("parameters", json!(5)), bad, "parameters: 5 came where an object belongs"),
            (
                x("parameters", json!({"shared_memory_region": "r"})),
                bad,
                "inputs[1].parameters.shared_memory_region: there is",
            ),
            (top("inputs", json!({})), bad, "inputs: an object came where a list belongs"),
            (top("outputs", json!(["p"])), bad, "outputs[0]: \"p\" came where an object belongs"),
            (top("id", json!(5)), bad, "id: 5 came where a string belongs"),
            (
                top("outputs", json!([{"name": "y"}])),
                bad,
                "outputs: model 'm' v2 has no output 'y'; it has 'label', 'p'",
            ),
            (top("outputs", json!([{"name": "p"}, {"name": "p"}])), bad, "outputs: 'p' came twice"),
            (
                top("outputs", json!([{"name": "p", "parameters": {"binary_data": 1}}])),
                bad,
                "outputs[0].parameters.binary_data: 1 came where true or false belongs",
            ),
            (
                top("outputs", json!([{"name": "p", "parameters": {"classification": 0}}])),
                bad,
                "classification must be at least 1",
            ),
        ];
        for (text, kind, expected) in cases {
            let error = match read(&text) {
                Ok(asked) => panic!("{text} was taken: {asked:?}"),
                Err(error) => error,
            };
            assert!(error.to_string().starts_with(expected), "{text}\nsaid: {error}\nexpected: {expected}");
            assert_eq!(error.kind(), kind, "{text}");
        }
    }
}
