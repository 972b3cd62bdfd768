//! The Open Inference Protocol over gRPC, called by a client of its own over real connections.

mod access;
mod calls;
mod compression;
mod datatypes;
mod deadlines;
mod descriptions;
mod errors;
mod health;
mod plain;
mod ports;
mod reflection;
mod room;
mod stream;
mod world;

use servoir_codec::grpc::proto::ModelInferRequest;
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;

/// A prediction of one input whose elements are these bytes.
pub fn request(model: &str, (name, datatype, shape): (&str, &str, &[i64]), raw: Vec<u8>) -> ModelInferRequest {
    ModelInferRequest {
        model_name: model.to_owned(),
        inputs: vec![InferInputTensor {
            name: name.to_owned(),
            datatype: datatype.to_owned(),
            shape: shape.to_vec(),
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![raw.into()],
        ..ModelInferRequest::default()
    }
}

/// A prediction of `echo_FP32`: three numbers, which come back.
pub fn echo(numbers: [f32; 3]) -> ModelInferRequest {
    request("echo_FP32", ("input", "FP32", &[1, 3]), little_endian(&numbers))
}

/// Numbers as raw contents have them.
pub fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
