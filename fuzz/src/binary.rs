//! A body with tensors in binary form behind its JSON: refused, or its tensors are the very bytes that came.
//!
//! An input is two bytes that say how long the JSON is, the lower first, and then the body. All ones stand for a request
//! without the header.

use crate::json_v2::Body;
use crate::{check, oracle, signatures};
use bytes::Bytes;
use servoir_codec::{Model, raw, v2};
use servoir_types::{Data, Tensor};

/// Gives the body to every model.
pub fn run(input: &[u8]) {
    let Some((&[low, high], body)) = input.split_first_chunk() else { return };
    let head_bytes = u16::from_le_bytes([low, high]);
    let head_bytes = (head_bytes != u16::MAX).then_some(usize::from(head_bytes));
    let body = Bytes::copy_from_slice(body);
    for model in signatures::models() {
        match v2::Asked::read(&body, head_bytes, model) {
            Ok(asked) => {
                check::fits(&asked.inputs, model);
                match head_bytes {
                    Some(0) => whole_body(&body, &asked.inputs),
                    _ => behind_the_head(&body, head_bytes.unwrap_or(body.len()), &asked.inputs, model),
                }
                check::binary_round_trip(&asked.inputs, model);
            }
            Err(fault) => check::refusal(&fault),
        }
    }
}

/// The only tensor is the body.
fn whole_body(body: &[u8], inputs: &[Tensor]) {
    let [tensor] = inputs else { panic!("{} inputs of one body", inputs.len()) };
    match tensor.data() {
        Data::Bytes(texts) => assert!(texts.len() == 1 && texts[0] == body),
        _ => assert_eq!(written(tensor), body),
    }
}

/// Each tensor is what its JSON says, or the next bytes behind all JSON; nothing is left over.
fn behind_the_head(body: &[u8], head_bytes: usize, inputs: &[Tensor], model: Model<'_>) {
    let (head, mut behind) = body.split_at(head_bytes);
    let head: Body<'_> = serde_json::from_slice(head).expect("what was taken is a request");
    assert_eq!(head.inputs.len(), inputs.len());
    for input in &head.inputs {
        let position = model.signature.inputs.iter().position(|spec| spec.name == input.name).expect("an input");
        match input.data {
            Some(data) => {
                let spec = &model.signature.inputs[position];
                let wanted = oracle::elements(spec, &oracle::flat(data)).expect("elements of this type");
                check::same_elements(inputs[position].data(), &wanted);
            }
            None => {
                let tensor = written(&inputs[position]);
                behind = behind.strip_prefix(tensor.as_slice()).expect("the bytes of the tensor");
            }
        }
    }
    assert!(behind.is_empty(), "{} bytes belong to no tensor", behind.len());
}

fn written(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = Vec::new();
    raw::write(tensor, &mut bytes).expect("short elements");
    assert_eq!(bytes.len(), raw::len(tensor));
    bytes
}
