//! Properties that several targets share.

use crate::oracle;
use crate::signatures::ROWS_MAX;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_codec::{Fault, Model, v2};
use servoir_types::{Data, Kind, Tensor};

/// The most bytes of a message: it quotes an excerpt of what came, never all of it.
const MESSAGE_BYTES_MAX: usize = 1024;

/// A refusal is the caller's doing, and tells what is wrong in a few words.
pub fn refusal(fault: &Fault) {
    let message = fault.to_string();
    assert!((10..=MESSAGE_BYTES_MAX).contains(&message.len()), "a message of {} bytes: {message}", message.len());
    assert!(
        matches!(fault.kind(), Kind::Malformed | Kind::Unprocessable | Kind::TooLarge),
        "{:?} is not for the caller: {message}",
        fault.kind()
    );
    assert!(!fault.code().is_empty(), "{message}");
}

/// The refusal of a body; one that is JSON is not called none.
pub fn refusal_of(body: &[u8], is_json: bool, fault: &Fault) {
    refusal(fault);
    let is_text = is_json && !oracle::has_surrogate(body);
    assert!(!(is_text && matches!(fault, Fault::Syntax(_))), "JSON was called none: {fault}");
}

/// The tensors are those that the model takes.
pub fn fits(inputs: &[Tensor], model: Model<'_>) {
    let specs = &model.signature.inputs;
    assert_eq!(inputs.len(), specs.len(), "a tensor for each input");
    for (tensor, spec) in inputs.iter().zip(specs) {
        assert_eq!(tensor.datatype(), spec.datatype, "'{}'", spec.name);
        assert!(spec.shape.admits(tensor.shape()), "'{}' {} got {:?}", spec.name, spec.shape, tensor.shape());
        let elements: usize = tensor.shape().iter().product();
        assert_eq!(tensor.data().len(), elements, "'{}' {:?}", spec.name, tensor.shape());
        assert!(!spec.shape.is_batchable() || tensor.rows() <= ROWS_MAX, "'{}': {} rows", spec.name, tensor.rows());
    }
}

/// Two tensors are the same, bit for bit.
pub fn same(got: &Tensor, wanted: &Tensor) {
    assert_eq!(got.shape(), wanted.shape());
    same_elements(got.data(), wanted.data());
}

/// Two lists of elements are the same, bit for bit: NaN is NaN, and -0 is not 0.
pub fn same_elements(got: &Data, wanted: &Data) {
    assert_eq!(got.datatype(), wanted.datatype());
    assert!(bits(got) == bits(wanted), "got {got:?}, wanted {wanted:?}");
}

/// The elements as bytes, those of differing length with their length before them.
fn bits(data: &Data) -> Vec<u8> {
    match data {
        Data::Bool(v) => v.iter().map(|&value| u8::from(value)).collect(),
        Data::Uint8(v) => v.as_bytes().to_vec(),
        Data::Uint16(v) => v.as_bytes().to_vec(),
        Data::Uint32(v) => v.as_bytes().to_vec(),
        Data::Uint64(v) => v.as_bytes().to_vec(),
        Data::Int8(v) => v.as_bytes().to_vec(),
        Data::Int16(v) => v.as_bytes().to_vec(),
        Data::Int32(v) => v.as_bytes().to_vec(),
        Data::Int64(v) => v.as_bytes().to_vec(),
        Data::Fp16(v) => v.as_bytes().to_vec(),
        Data::Bf16(v) => v.as_bytes().to_vec(),
        Data::Fp32(v) => v.as_bytes().to_vec(),
        Data::Fp64(v) => v.as_bytes().to_vec(),
        Data::Bytes(v) => v.iter().flat_map(|text| [&text.len().to_le_bytes()[..], text].concat()).collect(),
    }
}

/// Every output, in JSON.
pub fn all(model: Model<'_>) -> Vec<v2::Wanted> {
    let wanted = |position| v2::Wanted { position, classes: None, binary: false };
    (0..model.signature.outputs.len()).map(wanted).collect()
}

/// The outputs of an answer, as they came.
#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    outputs: &'a RawValue,
}

/// Tensors written as a JSON answer and read as a request are the same tensors. Those with values that JSON does not
/// have are refused.
pub fn json_round_trip(tensors: &[Tensor], model: Model<'_>) {
    let answer = v2::Answer { name: "m", version: 1, signature: model.signature, outputs: tensors };
    let written = match answer.write(&all(model), Some("id")) {
        Ok(written) => written.bytes,
        Err(fault) => return assert!(matches!(fault, Fault::NotRepresentable(_)), "{fault}"),
    };
    let answered: Answered<'_> = serde_json::from_slice(&written).expect("an answer is JSON");
    let request = format!(r#"{{"inputs": {}}}"#, answered.outputs);
    let asked =
        v2::Asked::read(&request.clone().into(), None, model).unwrap_or_else(|fault| panic!("{request}: {fault}"));
    for (got, wanted) in asked.inputs.iter().zip(tensors) {
        same(got, wanted);
    }
}

/// Tensors written as an answer in binary form and read as a request are the same tensors.
pub fn binary_round_trip(tensors: &[Tensor], model: Model<'_>) {
    let answer = v2::Answer { name: "m", version: 1, signature: model.signature, outputs: tensors };
    let wanted: Vec<v2::Wanted> = all(model).into_iter().map(|wanted| v2::Wanted { binary: true, ..wanted }).collect();
    let written = answer.write(&wanted, None).expect("every tensor has a binary form");
    let (head, behind) = written.bytes.split_at(written.head_len.expect("tensors behind the JSON"));
    let answered: Answered<'_> = serde_json::from_slice(head).expect("an answer begins with JSON");
    let head = format!(r#"{{"inputs": {}}}"#, answered.outputs);
    let body = [head.as_bytes(), behind].concat().into();
    let asked = v2::Asked::read(&body, Some(head.len()), model).unwrap_or_else(|fault| panic!("{head}: {fault}"));
    for (got, wanted) in asked.inputs.iter().zip(tensors) {
        same(got, wanted);
    }
}
