//! The body of `…/infer`.

use super::parameters::{OfInput, OfOutput, OfRequest};
use crate::fault::{Fault, nearest};
use crate::json::filling::Filling;
use crate::json::object::{self, Object};
use crate::json::{RANK_MAX, excerpt, rank_of};
use crate::model::Model;
use crate::whole;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_types::{Datatype, Signature, Tensor, TensorSpec};
use std::time::Duration;

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    /// The caller's own id, which comes back.
    pub id: Option<String>,
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// In the caller's order.
    pub outputs: Vec<Wanted>,
    /// As Triton has it: 1 goes first, larger numbers later, 0 is the default.
    pub priority: u64,
    /// How long the caller waits.
    pub timeout: Option<Duration>,
}

/// An output that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its position in the signature.
    pub position: usize,
    /// How many of the best classes are wanted in place of the values.
    pub classes: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    id: Option<String>,
    #[serde(default)]
    parameters: Option<Object<OfRequest>>,
    #[serde(borrow)]
    inputs: Vec<Object<Input<'a>>>,
    outputs: Option<Vec<Object<Output>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input<'a> {
    name: String,
    #[serde(deserialize_with = "whole::list")]
    shape: Vec<i64>,
    datatype: String,
    #[serde(borrow)]
    parameters: Option<Object<OfInput<'a>>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    name: String,
    parameters: Option<Object<OfOutput>>,
}

impl Asked {
    /// Reads a body for a model.
    ///
    /// # Errors
    /// 400, saying which input or output, what was expected and what came; 413 for more rows than may wait.
    pub fn read(bytes: &[u8], model: Model<'_>) -> Result<Self, Fault> {
        let label = model.to_string();
        Reader { signature: model.signature, model: &label, rows_max: model.rows_max }.read(bytes)
    }
}

/// Reads bodies for one model.
struct Reader<'s> {
    signature: &'s Signature,
    model: &'s str,
    rows_max: usize,
}

impl Reader<'_> {
    fn read(&self, bytes: &[u8]) -> Result<Asked, Fault> {
        let body: Body<'_> = object::read(bytes)?;
        let parameters = body.parameters.map(|Object(parameters)| parameters).unwrap_or_default();
        parameters.check()?;
        let outputs = self.outputs(body.outputs)?;
        let inputs = self.inputs(&body.inputs)?;
        Ok(Asked { id: body.id, inputs, outputs, priority: parameters.priority(), timeout: parameters.timeout() })
    }

    fn inputs(&self, came: &[Object<Input<'_>>]) -> Result<Vec<Tensor>, Fault> {
        let mut slots: Vec<Option<Tensor>> = vec![None; self.signature.inputs.len()];
        for Object(input) in came {
            let Some(position) = self.signature.inputs.iter().position(|spec| spec.name == input.name) else {
                let nearest = nearest(&input.name, self.signature.inputs.iter().map(|spec| spec.name.as_str()));
                let (name, model) = (excerpt(&input.name), self.model.to_owned());
                return Err(Fault::UnknownInput { name, nearest, model });
            };
            if slots[position].is_some() {
                return Err(malformed(format!("inputs: '{}' came twice", input.name)));
            }
            slots[position] = Some(self.tensor(&self.signature.inputs[position], input)?);
        }
        let missing = self.signature.inputs.iter().zip(&slots).filter(|(_, slot)| slot.is_none());
        let names: Vec<_> = missing.map(|(spec, _)| spec.name.clone()).collect();
        if !names.is_empty() {
            return Err(Fault::MissingInputs { names, model: self.model.to_owned() });
        }
        Ok(slots.into_iter().flatten().collect())
    }

    fn tensor(&self, spec: &TensorSpec, input: &Input<'_>) -> Result<Tensor, Fault> {
        let name = &input.name;
        if let Some(Object(parameters)) = &input.parameters {
            parameters.check()?;
        }
        if input.datatype != spec.datatype.name() {
            let (came, model) = (excerpt(&input.datatype), self.model);
            return Err(malformed(format!("input '{name}' of {model} is {}, {came} came", spec.datatype)));
        }
        if spec.datatype == Datatype::Bf16 {
            return Err(malformed(format!(
                "input '{name}': BF16 has no JSON form in this protocol; send it as a binary tensor"
            )));
        }
        let shape = self.shape(spec, input)?;
        let Some(json) = input.data else { return Err(malformed(format!("input '{name}' has no data"))) };
        let mut filling = Filling::of_shape(spec, self.model, &shape)?;
        match rank_of(json.get()) {
            0 => return Err(malformed(format!("input '{name}': data must be a list"))),
            1 => filling.flat(json)?,
            rank if rank == shape.len() => filling.whole(json)?,
            rank => {
                let detail = format!(
                    "input '{name}': data is nested {rank} deep and shape {shape:?} has {} dimensions; nest it as the \
                     shape says, or not at all",
                    shape.len()
                );
                return Err(malformed(detail));
            }
        }
        Ok(filling.finish()?)
    }

    fn shape(&self, spec: &TensorSpec, input: &Input<'_>) -> Result<Vec<usize>, Fault> {
        let Input { name, shape: came, .. } = input;
        if came.len() > RANK_MAX {
            return Err(malformed(format!(
                "input '{name}' has {} dimensions, at most {RANK_MAX} are taken",
                came.len()
            )));
        }
        let dims: Option<Vec<usize>> = came.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let Some(dims) = dims else {
            return Err(malformed(format!("input '{name}': shape {came:?} has a dimension below 0")));
        };
        if dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)).is_none() {
            return Err(malformed(format!("input '{name}': shape {came:?} has more elements than can be counted")));
        }
        if !spec.shape.admits(&dims) {
            return Err(Filling::wrong_rank(spec, self.model, format!("{came:?}")));
        }
        if spec.shape.is_batchable() && dims.first().is_some_and(|&rows| rows > self.rows_max) {
            return Err(Fault::TooManyRows { max: self.rows_max });
        }
        Ok(dims)
    }

    fn outputs(&self, came: Option<Vec<Object<Output>>>) -> Result<Vec<Wanted>, Fault> {
        let all = || (0..self.signature.outputs.len()).map(|position| Wanted { position, classes: None });
        let Some(came) = came.filter(|came| !came.is_empty()) else { return Ok(all().collect()) };
        let mut wanted: Vec<Wanted> = Vec::with_capacity(self.signature.outputs.len());
        for Object(Output { name, parameters }) in came {
            let Some(position) = self.signature.outputs.iter().position(|spec| spec.name == name) else {
                let names: Vec<_> = self.signature.outputs.iter().map(|spec| format!("'{}'", spec.name)).collect();
                let (model, name) = (self.model, excerpt(&name));
                return Err(malformed(format!("outputs: {model} has no output '{name}'; it has {}", names.join(", "))));
            };
            if wanted.iter().any(|output| output.position == position) {
                return Err(malformed(format!("outputs: '{name}' came twice")));
            }
            let classes = parameters.map(|Object(parameters)| parameters.classes()).transpose()?.flatten();
            wanted.push(Wanted { position, classes });
        }
        Ok(wanted)
    }
}

fn malformed(detail: String) -> Fault {
    Fault::Form(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use servoir_types::{Data, Kind, Shape};

    fn signature() -> Signature {
        let spec = |name, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
        Signature {
            inputs: vec![spec("x", Datatype::Fp32, &[-1, 2]), spec("s", Datatype::Bytes, &[-1])],
            outputs: vec![spec("label", Datatype::Int64, &[-1]), spec("p", Datatype::Fp32, &[-1, 2])],
        }
    }

    fn read(body: &str) -> Result<Asked, Fault> {
        Asked::read(body.as_bytes(), Model { name: "m", version: 2, signature: &signature(), rows_max: 4 })
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
        let wanted = [Wanted { position: 1, classes: Some(2) }, Wanted { position: 0, classes: None }];
        assert_eq!(asked.outputs, wanted);
        assert_eq!((asked.id.as_deref(), asked.priority), (Some("42"), 1));
        assert_eq!(asked.timeout, Some(Duration::from_micros(1500)));
        for (priority, expected) in [(0, 0), (2, 2), (3, 3)] {
            let text = body(|body| body["parameters"] = json!({"priority": priority, "timeout": 0}));
            let asked = read(&text).unwrap();
            assert_eq!((asked.priority, asked.timeout), (expected, None));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let x = |key: &'static str, value: Value| body(move |body| body["inputs"][1][key] = value);
        let top = |key: &'static str, value: Value| body(move |body| body[key] = value);
        let bad = Kind::Malformed;
        let mismatch = Kind::Unprocessable;
        let cases = [
            ("[]".to_owned(), bad, "invalid type: sequence, expected an object"),
            ("{}".to_owned(), bad, "missing field `inputs`"),
            (r#"{"inputs": [["x", [1, 2]]]}"#.to_owned(), bad, "inputs[0]: invalid type: sequence, expected an object"),
            (x("shape", json!([-1, 2])), bad, "input 'x': shape [-1, 2] has a dimension below 0"),
            (x("shape", json!(["2", 2])), bad, "inputs[1].shape[0]: invalid type: string \"2\", expected i64"),
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
                "binary_data_size: binary tensors are not available",
            ),
            (top("inputs", json!([])), mismatch, "inputs: model 'm' v2 also needs 'x', 's'"),
            (top("model", json!(1)), bad, "model: unknown field `model`"),
            (
                top("parameters", json!({"timeout": "soon"})),
                bad,
                "parameters.timeout: invalid type: string \"soon\", expected u64",
            ),
            (top("parameters", json!({"sequence_id": 1})), bad, "parameters.sequence_id: unknown field `sequence_id`"),
            (top("parameters", json!({"binary_data_output": true})), bad, "binary_data_output: binary tensors"),
            (
                top("outputs", json!([{"name": "y"}])),
                bad,
                "outputs: model 'm' v2 has no output 'y'; it has 'label', 'p'",
            ),
            (top("outputs", json!([{"name": "p"}, {"name": "p"}])), bad, "outputs: 'p' came twice"),
            (
                top("outputs", json!([{"name": "p", "parameters": {"binary_data": true}}])),
                bad,
                "binary_data: binary tensors",
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
            assert!(
                error.to_string().starts_with(expected),
                "{text}\nsaid: {}\nexpected: {expected}",
                error.to_string()
            );
            assert_eq!(error.kind(), kind, "{text}");
        }
    }
}
