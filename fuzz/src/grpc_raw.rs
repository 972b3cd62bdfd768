//! The message of a prediction over gRPC: refused, or read as tensors that become the same message again.

use crate::{check, signatures};
use prost::Message;
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;
use servoir_codec::grpc::proto::{ModelInferRequest, ModelInferResponse};
use servoir_codec::{Model, raw, v2};
use servoir_types::Tensor;

/// Gives the message to every model.
pub fn run(bytes: &[u8]) {
    let Ok(message) = ModelInferRequest::decode(bytes) else { return };
    for model in signatures::models() {
        match v2::Asked::of_message(message.clone(), model) {
            Ok(asked) => {
                check::fits(&asked.inputs, model);
                if !message.raw_input_contents.is_empty() {
                    are_the_raw_contents(&message, &asked.inputs, model);
                }
                round_trip(&asked, model);
            }
            Err(fault) => check::refusal(&fault),
        }
    }
}

fn are_the_raw_contents(message: &ModelInferRequest, inputs: &[Tensor], model: Model<'_>) {
    assert_eq!(message.inputs.len(), message.raw_input_contents.len());
    for (input, contents) in message.inputs.iter().zip(&message.raw_input_contents) {
        let position = model.signature.inputs.iter().position(|spec| spec.name == input.name).expect("an input");
        let mut bytes = Vec::new();
        raw::write(&inputs[position], &mut bytes).expect("short elements");
        assert_eq!(bytes, *contents, "'{}'", input.name);
    }
}

/// An answer with these tensors goes over the wire and comes back as a request with the same tensors.
fn round_trip(asked: &v2::Asked, model: Model<'_>) {
    let answer = v2::Answer { name: "m", version: 1, signature: model.signature, outputs: &asked.inputs };
    if let Err(fault) = answer.to_message(&asked.outputs, asked.id.clone()) {
        check::refusal(&fault);
    }
    let sent = answer.to_message(&check::all(model), None).expect("every tensor has raw contents").encode_to_vec();
    let ModelInferResponse { outputs, raw_output_contents, .. } =
        ModelInferResponse::decode(sent.as_slice()).expect("what was encoded can be decoded");
    let inputs = outputs.into_iter().map(|output| InferInputTensor {
        name: output.name,
        datatype: output.datatype,
        shape: output.shape,
        ..InferInputTensor::default()
    });
    let request = ModelInferRequest {
        inputs: inputs.collect(),
        raw_input_contents: raw_output_contents,
        ..ModelInferRequest::default()
    };
    let again = v2::Asked::of_message(request, model).unwrap_or_else(|fault| panic!("{fault}"));
    for (got, wanted) in again.inputs.iter().zip(&asked.inputs) {
        check::same(got, wanted);
    }
}
