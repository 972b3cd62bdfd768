//! The body of `/v2/…/infer`: refused, or read as the slow way reads it.

use crate::{check, oracle, signatures};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_codec::{Model, v2};
use std::borrow::Cow;

/// Gives the body to every model.
pub fn run(body: &[u8]) {
    let is_json = oracle::is_json(body);
    let bytes = Bytes::copy_from_slice(body);
    for model in signatures::models() {
        match v2::Asked::read(&bytes, None, model) {
            Ok(asked) => {
                assert!(is_json, "what is not JSON was taken");
                taken(body, &asked, model);
            }
            Err(fault) => check::refusal_of(body, is_json, &fault),
        }
    }
}

/// A request, as the slow way reads it.
#[derive(Deserialize)]
pub struct Body<'a> {
    /// In the caller's order.
    #[serde(borrow)]
    pub inputs: Vec<Input<'a>>,
}

/// An input of a request.
#[derive(Deserialize)]
pub struct Input<'a> {
    /// Of the model's input.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The dimensions, as they are written.
    #[serde(borrow)]
    pub shape: Vec<&'a RawValue>,
    /// A list, flat or nested; `None` when the elements are behind the JSON.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
}

fn taken(body: &[u8], asked: &v2::Asked, model: Model<'_>) {
    check::fits(&asked.inputs, model);
    let body: Body<'_> = serde_json::from_slice(body).expect("what was taken is a request");
    assert_eq!(body.inputs.len(), asked.inputs.len());
    for (spec, tensor) in model.signature.inputs.iter().zip(&asked.inputs) {
        let input = body.inputs.iter().find(|input| input.name == spec.name).expect("an input of this name");
        let dims = input.shape.iter().map(|dim| oracle::integer(dim.get()).expect("a whole number"));
        let shape: Vec<usize> = dims.map(|dim| dim.try_into().expect("a dimension")).collect();
        assert_eq!(tensor.shape(), shape);
        let data = input.data.expect("elements");
        let wanted = oracle::elements(spec, &oracle::flat(data)).expect("elements of this type");
        check::same_elements(tensor.data(), &wanted);
    }
    for wanted in &asked.outputs {
        assert!(wanted.position < model.signature.outputs.len());
        assert!(wanted.classes != Some(0));
    }
    check::json_round_trip(&asked.inputs, model);
    classified(asked, model);
}

/// Whatever outputs were asked for, the answer is JSON or is refused with a reason.
fn classified(asked: &v2::Asked, model: Model<'_>) {
    let answer = v2::Answer { name: "m", version: 1, signature: model.signature, outputs: &asked.inputs };
    match answer.write(&asked.outputs, asked.id.as_deref()) {
        Ok(written) => {
            let head_bytes = written.head_len.unwrap_or(written.bytes.len());
            assert!(oracle::is_json(&written.bytes[..head_bytes]), "an answer begins with JSON");
        }
        Err(fault) => check::refusal(&fault),
    }
}
