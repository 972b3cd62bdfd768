//! What is wrong with a prediction is said in words, under the right code.

use crate::echo;
use crate::world::World;
use servoir_codec::grpc::proto::infer_parameter::ParameterChoice;
use servoir_codec::grpc::proto::model_infer_request::InferRequestedOutputTensor;
use servoir_codec::grpc::proto::{InferParameter, InferTensorContents, ModelInferRequest};
use tonic::Code;

type Change = fn(&mut ModelInferRequest);

fn parameter(choice: ParameterChoice) -> InferParameter {
    InferParameter { parameter_choice: Some(choice) }
}

fn set(message: &mut ModelInferRequest, name: &str, choice: ParameterChoice) {
    message.parameters.insert(name.to_owned(), parameter(choice));
}

fn fp32(numbers: &[f32]) -> Option<InferTensorContents> {
    Some(InferTensorContents { fp32_contents: numbers.to_vec(), ..InferTensorContents::default() })
}

fn output(name: &str) -> InferRequestedOutputTensor {
    InferRequestedOutputTensor { name: name.to_owned(), ..InferRequestedOutputTensor::default() }
}

#[tokio::test]
async fn each_mistake_is_named() {
    let world = World::with(&["echo_FP32", "fails_on_negative"]).await;
    let cases: [(Change, Code, &str); 21] = [
        (|m| m.model_name = "absent".into(), Code::NotFound, "no model 'absent' is deployed"),
        (|m| m.model_version = "7".into(), Code::NotFound, "version 7 of model 'echo_FP32' is not live; live: 1"),
        (|m| m.model_version = "one".into(), Code::NotFound, "a version is a whole number from 1, 'one' came"),
        (|m| m.inputs[0].name = "inputs".into(), Code::InvalidArgument, "has no input 'inputs'; did you mean 'input'?"),
        (|m| m.inputs[0].datatype = "FP64".into(), Code::InvalidArgument, "is FP32, FP64 came"),
        (|m| m.inputs[0].shape = vec![1, 4], Code::InvalidArgument, "has shape [-1, 3]; [1, 4] came"),
        (|m| m.inputs[0].shape = vec![-1, 3], Code::InvalidArgument, "shape [-1, 3] has a dimension below 0"),
        (|m| m.inputs[0].shape = vec![2, 3], Code::InvalidArgument, "shape [2, 3] of FP32 takes 6 × 4 bytes, 12 came"),
        (|m| m.inputs[0].shape = vec![20_000, 3], Code::ResourceExhausted, "more than 10000 rows came"),
        (
            |m| m.raw_input_contents.push("".into()),
            Code::InvalidArgument,
            "raw_input_contents has 2 entries for 1 inputs",
        ),
        (
            |m| m.inputs[0].contents = fp32(&[1.0]),
            Code::InvalidArgument,
            "'input' has contents beside raw_input_contents",
        ),
        (|m| m.raw_input_contents.clear(), Code::InvalidArgument, "has 3 elements, 0 came in fp32_contents"),
        (
            |m| {
                m.raw_input_contents.clear();
                m.inputs[0].contents = Some(InferTensorContents { fp64_contents: vec![1.0; 3], ..Default::default() });
            },
            Code::InvalidArgument,
            "its elements belong in fp32_contents, not in fp64_contents",
        ),
        (
            |m| m.inputs.push(m.inputs[0].clone()),
            Code::InvalidArgument,
            "raw_input_contents has 1 entries for 2 inputs",
        ),
        (
            |m| {
                m.inputs.clear();
                m.raw_input_contents.clear();
            },
            Code::InvalidArgument,
            "also needs 'input'",
        ),
        (|m| m.outputs = vec![output("none")], Code::InvalidArgument, "has no output 'none'; it has 'output'"),
        (|m| m.outputs = vec![output("output"); 2], Code::InvalidArgument, "outputs: 'output' came twice"),
        (
            |m| set(m, "priority", ParameterChoice::StringParam("high".into())),
            Code::InvalidArgument,
            "parameters.priority: a whole number from 0 is expected, \"high\" came",
        ),
        (
            |m| set(m, "sequence_id", ParameterChoice::Int64Param(5)),
            Code::InvalidArgument,
            "parameters.sequence_id: models have no sequences here",
        ),
        (
            |m| {
                let region = parameter(ParameterChoice::StringParam("r".into()));
                m.inputs[0].parameters.insert("shared_memory_region".into(), region);
            },
            Code::InvalidArgument,
            "input 'input'.shared_memory_region: there is no shared memory here",
        ),
        (
            |m| {
                m.model_name = "fails_on_negative".into();
                m.inputs[0].name = "x".into();
                m.inputs[0].shape = vec![1, 1];
                m.raw_input_contents = vec![crate::little_endian(&[-1.0]).into()];
            },
            Code::Internal,
            "onnxruntime",
        ),
    ];
    for (change, code, says) in cases {
        let mut message = echo([1.0, 2.0, 3.0]);
        change(&mut message);
        let status = world.client().model_infer(message).await.expect_err(says);
        assert!(status.message().contains(says), "{says}: {status:?}");
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.metadata().contains_key("x-request-id"), "{status:?}");
    }
    world.server.stop().await;
}

#[tokio::test]
async fn what_a_request_may_say_beside_its_tensors_is_taken() {
    let world = World::with(&["echo_FP32"]).await;
    let mut message = echo([0.25, 0.5, 0.125]);
    message.id = "mine".into();
    message.outputs = vec![output("output")];
    let two = parameter(ParameterChoice::Int64Param(2));
    message.outputs[0].parameters.insert("classification".into(), two);
    for (name, value) in [
        ("priority", ParameterChoice::Uint64Param(1)),
        ("timeout", ParameterChoice::Int64Param(20_000_000)),
        ("sequence_id", ParameterChoice::Int64Param(0)),
        ("sequence_start", ParameterChoice::BoolParam(false)),
        ("anything", ParameterChoice::DoubleParam(0.5)),
        ("triton_enable_empty_final_response", ParameterChoice::BoolParam(true)),
    ] {
        set(&mut message, name, value);
    }
    let answer = world.client().model_infer(message).await.expect("an answer").into_inner();
    assert_eq!(answer.id, "mine");
    assert_eq!(answer.parameters["triton_final_response"], parameter(ParameterChoice::BoolParam(true)));
    assert_eq!((&*answer.outputs[0].datatype, &answer.outputs[0].shape), ("BYTES", &vec![1, 2]));
    assert_eq!(answer.raw_output_contents[0], "\x0a\x00\x00\x000.500000:1\x0a\x00\x00\x000.250000:0");
    let priority = parameter(ParameterChoice::Int64Param(-1));
    let mut negative = echo([1.0; 3]);
    negative.parameters.insert("priority".into(), priority);
    assert_eq!(world.client().model_infer(negative).await.expect_err("refused").code(), Code::InvalidArgument);
    world.server.stop().await;
}
