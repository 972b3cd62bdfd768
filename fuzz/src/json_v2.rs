//! The body of `/v2/…/infer`: refused, or read as the slow way reads it.

use crate::{check, oracle, signatures};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_codec::{Fault, Model, v2};
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
            Err(fault) => {
                check::refusal(&fault);
                assert!(!(is_json && matches!(fault, Fault::Syntax(_))), "JSON was called none: {fault}");
            }
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    shape: Vec<usize>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn taken(body: &[u8], asked: &v2::Asked, model: Model<'_>) {
    check::fits(&asked.inputs, model);
    let body: Body<'_> = serde_json::from_slice(body).expect("what was taken is a request");
    assert_eq!(body.inputs.len(), asked.inputs.len());
    for (spec, tensor) in model.signature.inputs.iter().zip(&asked.inputs) {
        let input = body.inputs.iter().find(|input| input.name == spec.name).expect("an input of this name");
        assert_eq!(tensor.shape(), input.shape);
        let wanted = oracle::elements(spec, &oracle::flat(input.data)).expect("elements of this type");
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
    match answer.to_json(&asked.outputs, asked.id.as_deref()) {
        Ok(written) => assert!(oracle::is_json(&written), "an answer is JSON"),
        Err(fault) => check::refusal(&fault),
    }
}
