//! Every datatype goes in and comes out as it was, as bytes and as typed contents.

use crate::request;
use crate::world::World;
use half::{bf16, f16};
use serde_json::Value;
use servoir_codec::grpc::proto::InferTensorContents;
use servoir_tests::fixture::Fixture;

const DATATYPES: [&str; 14] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64",
    "BYTES",
];

#[tokio::test]
async fn elements_come_back_as_they_were_sent() {
    let world = World::with(&[]).await;
    for datatype in DATATYPES {
        let model = format!("echo_{datatype}");
        let fixture = Fixture::read(&model);
        world.api.serve(&model, fixture.model).await;
        for case in &fixture.cases {
            let tensor = &case["inputs"]["input"];
            let values = tensor["data"].as_array().expect("data");
            let shape: Vec<i64> = serde_json::from_value(tensor["shape"].clone()).expect("a shape");
            let bytes: Vec<u8> = values.iter().flat_map(|value| bytes_of(datatype, value)).collect();
            let raw = request(&model, ("input", datatype, &shape), bytes.clone());
            let mut typed = raw.clone();
            typed.raw_input_contents.clear();
            typed.inputs[0].contents = contents(datatype, values);
            let forms = if typed.inputs[0].contents.is_some() { vec![raw, typed] } else { vec![raw] };
            for form in forms {
                let what = format!("{form:?}");
                let answer = world.client().model_infer(form).await.expect(&what).into_inner();
                let output = &answer.outputs[0];
                assert_eq!((&*output.name, &*output.datatype, &output.shape), ("output", datatype, &shape), "{what}");
                assert_eq!(answer.raw_output_contents, std::slice::from_ref(&bytes), "{what}");
                assert_eq!((&*answer.model_name, &*answer.model_version), (&*model, "1"));
            }
        }
    }
    world.server.stop().await;
}

#[tokio::test]
async fn numbers_that_json_cannot_express_are_carried() {
    let world = World::with(&["echo_FP32"]).await;
    let asked = crate::echo([f32::NAN, f32::NEG_INFINITY, -0.0]);
    let sent = asked.raw_input_contents.clone();
    let answer = world.client().model_infer(asked).await.expect("an answer").into_inner();
    assert_eq!(answer.raw_output_contents, sent);
    world.server.stop().await;
}

fn int(value: &Value) -> i128 {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from)).expect("a whole number")
}

fn float(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// An element as raw contents have it.
fn bytes_of(datatype: &str, value: &Value) -> Vec<u8> {
    match datatype {
        "BOOL" => vec![value.as_bool().expect("true or false").into()],
        "UINT8" | "INT8" => int(value).to_le_bytes()[..1].to_vec(),
        "UINT16" | "INT16" => int(value).to_le_bytes()[..2].to_vec(),
        "UINT32" | "INT32" => int(value).to_le_bytes()[..4].to_vec(),
        "UINT64" | "INT64" => int(value).to_le_bytes()[..8].to_vec(),
        "FP16" => f16::from_f64(float(value)).to_le_bytes().to_vec(),
        "BF16" => bf16::from_f64(float(value)).to_le_bytes().to_vec(),
        "FP32" => (float(value) as f32).to_le_bytes().to_vec(),
        "FP64" => float(value).to_le_bytes().to_vec(),
        "BYTES" => {
            let text = value.as_str().expect("a text").as_bytes();
            [&(text.len() as u32).to_le_bytes(), text].concat()
        }
        other => panic!("{other} is no datatype"),
    }
}

/// Elements as typed contents, for datatypes that have them.
fn contents(datatype: &str, values: &[Value]) -> Option<InferTensorContents> {
    let mut contents = InferTensorContents::default();
    let values = values.iter();
    match datatype {
        "BOOL" => contents.bool_contents = values.map(|value| value.as_bool().expect("true or false")).collect(),
        "UINT8" | "UINT16" | "UINT32" => contents.uint_contents = values.map(|value| int(value) as u32).collect(),
        "UINT64" => contents.uint64_contents = values.map(|value| int(value) as u64).collect(),
        "INT8" | "INT16" | "INT32" => contents.int_contents = values.map(|value| int(value) as i32).collect(),
        "INT64" => contents.int64_contents = values.map(|value| int(value) as i64).collect(),
        "FP32" => contents.fp32_contents = values.map(|value| float(value) as f32).collect(),
        "FP64" => contents.fp64_contents = values.map(float).collect(),
        "BYTES" => {
            let texts = values.map(|value| value.as_str().expect("a text").to_owned().into());
            contents.bytes_contents = texts.collect();
        }
        _ => return None,
    }
    Some(contents)
}
