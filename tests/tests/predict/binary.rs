//! The binary tensor extension, both ways.

use crate::oracles::tolerance;
use crate::{assert_close, flat, tensor};
use half::{bf16, f16};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::slice;

const HEAD_LEN: &str = "inference-header-content-length";

/// A request with JSON and then tensors in binary form.
fn request(api: &Api, model: &str, head: &Value, binary: &[u8]) -> RequestBuilder {
    let head = head.to_string();
    let request = api.request(Method::POST, &format!("/v2/models/{model}/infer"));
    request.header(HEAD_LEN, head.len()).body([head.as_bytes(), binary].concat())
}

/// The JSON of an answer, and its tensors in binary form in their order.
fn taken_apart(answer: &Answer) -> (Value, Vec<Vec<u8>>) {
    assert_eq!(answer.header("content-type"), "application/octet-stream", "{}", answer.text);
    let head_len: usize = answer.header(HEAD_LEN).parse().expect("a length");
    let head: Value = serde_json::from_slice(&answer.bytes[..head_len]).expect("JSON");
    let mut rest = &answer.bytes[head_len..];
    let outputs = head["outputs"].as_array().expect("outputs").iter();
    let sizes = outputs.filter_map(|output| output["parameters"]["binary_data_size"].as_u64());
    let parts = sizes.map(|size| rest.split_off(..size as usize).expect("as much as was said").to_vec()).collect();
    assert_eq!(rest, b"");
    (head, parts)
}

/// A tensor of a case as bytes.
fn bytes_of(tensor: &Value) -> Vec<u8> {
    let element = |value: &Value| -> Vec<u8> {
        let (int, float) = (|| value.as_i64().expect("a whole number"), || value.as_f64().expect("a number"));
        match tensor["datatype"].as_str().expect("a datatype") {
            "BOOL" => vec![u8::from(value.as_bool().expect("a bool"))],
            "UINT64" => value.as_u64().expect("a whole number").to_le_bytes().into(),
            "INT8" | "UINT8" => int().to_le_bytes()[..1].into(),
            "INT16" | "UINT16" => int().to_le_bytes()[..2].into(),
            "INT32" | "UINT32" => int().to_le_bytes()[..4].into(),
            "INT64" => int().to_le_bytes().into(),
            "FP16" => f16::from_f64(float()).to_le_bytes().into(),
            "BF16" => bf16::from_f64(float()).to_le_bytes().into(),
            "FP32" => (float() as f32).to_le_bytes().into(),
            "FP64" => float().to_le_bytes().into(),
            "BYTES" => text_bytes(value.as_str().expect("a text").as_bytes()),
            other => panic!("no bytes of {other}"),
        }
    };
    tensor["data"].as_array().expect("data").iter().flat_map(element).collect()
}

fn text_bytes(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text].concat()
}

fn binary_input(name: &str, tensor: &Value, size: usize) -> Value {
    let parameters = json!({"binary_data_size": size});
    json!({"name": name, "datatype": tensor["datatype"], "shape": tensor["shape"], "parameters": parameters})
}

#[tokio::test]
async fn every_datatype_goes_and_comes_as_bytes() {
    let server = TestServer::start().await;
    let api = server.api();
    let datatypes = [
        "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32",
        "FP64", "BYTES",
    ];
    for datatype in datatypes {
        let name = format!("echo_{datatype}");
        let fixture = Fixture::read(&name);
        api.serve(&name, fixture.model.clone()).await;
        for case in &fixture.cases {
            let sent = &case["inputs"]["input"];
            let bytes = bytes_of(sent);
            let mut head = json!({
                "id": "7", "inputs": [binary_input("input", sent, bytes.len())], "parameters": {"binary_data_output": true},
            });
            let answer = api.send(request(&api, &name, &head, &bytes)).await.expect(200);
            let (answered, parts) = taken_apart(&answer);
            let output = json!({
                "name": "output", "shape": sent["shape"], "datatype": datatype, "parameters": {"binary_data_size": bytes.len()},
            });
            let expected = json!({"model_name": name, "model_version": "1", "id": "7", "outputs": [output]});
            assert_eq!((answered, &parts[..]), (expected, slice::from_ref(&bytes)), "{datatype}");
            if datatype == "BF16" {
                continue;
            }
            // The other form of each: bytes answered as JSON, JSON answered as bytes.
            head["parameters"] = json!({});
            let as_json = api.send(request(&api, &name, &head, &bytes)).await.expect(200);
            assert_eq!((as_json.header("content-type"), as_json.header(HEAD_LEN)), ("application/json", ""));
            assert_close(&flat(&as_json.json["outputs"][0]["data"]), &flat(&sent["data"]), tolerance(case), datatype);
            let mut body = Fixture::v2_body(case);
            body["outputs"] = json!([{"name": "output", "parameters": {"binary_data": true}}]);
            let as_bytes = api.post(&format!("/v2/models/{name}/infer"), body).await.expect(200);
            assert_eq!(taken_apart(&as_bytes).1, [bytes], "{datatype}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_json_cannot_say_is_said_in_bytes() {
    let server = TestServer::start().await;
    let api = server.api();
    let nan = [f32::NAN, f32::INFINITY, -0.0].map(f32::to_le_bytes).concat();
    let half = [f16::NAN, f16::NEG_INFINITY, f16::MAX].map(f16::to_le_bytes).concat();
    for (datatype, bytes) in [("FP32", nan), ("FP16", half)] {
        let name = format!("echo_{datatype}");
        api.serve(&name, Fixture::read(&name).model).await;
        let input = binary_input("input", &json!({"datatype": datatype, "shape": [1, 3]}), bytes.len());
        let mut head = json!({"inputs": [input]});
        let refused = api.send(request(&api, &name, &head, &bytes)).await.expect(400);
        assert!(refused.text.contains("binary"), "{}", refused.text);
        head["parameters"] = json!({"binary_data_output": true});
        let answer = api.send(request(&api, &name, &head, &bytes)).await.expect(200);
        assert_eq!(taken_apart(&answer).1, [bytes], "{datatype}");
    }
    server.stop().await;
}

#[tokio::test]
async fn forms_are_mixed_and_a_body_may_be_one_tensor() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("add", Fixture::read("two_inputs_add").model).await;
    let fp32 = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let b = fp32(&[10.0, 20.0, 30.0, 40.0]);
    let a = tensor("a", "FP32", json!([1, 4]), json!([1, 2, 3, 4]));
    let b_input = binary_input("b", &json!({"datatype": "FP32", "shape": [1, 4]}), b.len());
    let head = json!({"inputs": [a, b_input]});
    let answer = api.send(request(&api, "add", &head, &b)).await.expect(200);
    assert_eq!(answer.json["outputs"][0]["data"], json!([11.0, 22.0, 33.0, 44.0]));

    // Outputs each in the form of their own; the request's form is for those that do not say.
    let fixture = Fixture::read("xgb_binary");
    let case = &fixture.cases[0];
    api.serve("churn", fixture.model.clone()).await;
    let mut body = Fixture::v2_body(case);
    body["parameters"] = json!({"binary_data_output": true});
    body["outputs"] = json!([{"name": "probabilities"}, {"name": "label", "parameters": {"binary_data": false}}]);
    let answer = api.post("/v2/models/churn/infer", body.clone()).await.expect(200);
    let (head, parts) = taken_apart(&answer);
    assert_eq!(head["outputs"][1]["data"], case["outputs"]["label"]["data"]);
    assert_eq!(parts.len(), 1);
    body["outputs"] = json!([{"name": "probabilities", "parameters": {"classification": 1}}]);
    let classes = api.post("/v2/models/churn/infer", body).await.expect(200);
    let (head, parts) = taken_apart(&classes);
    assert_eq!(head["outputs"][0]["datatype"], "BYTES");
    assert!(parts[0][4..].starts_with(b"0.") || parts[0][4..].starts_with(b"1."), "{:?}", parts[0]);

    // Two rows of a tensor and nothing else.
    api.serve("echo_FP32", Fixture::read("echo_FP32").model).await;
    let bare = |path: &str, body: Vec<u8>| api.request(Method::POST, path).header(HEAD_LEN, 0).body(body);
    let rows = fp32(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let answer = api.send(bare("/v2/models/echo_FP32/infer", rows.clone())).await.expect(200);
    let (head, parts) = taken_apart(&answer);
    assert_eq!((&head["outputs"][0]["shape"], &parts[..]), (&json!([2, 3]), slice::from_ref(&rows)));
    let refused = api.send(bare("/v2/models/add/infer", b)).await.expect(400);
    assert!(refused.text.contains("2 inputs"), "{}", refused.text);
    server.stop().await;
}

#[tokio::test]
async fn large_tensors_come_in_many_pieces() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.limits.predict_body_bytes_max = 16 << 20;
        config.batching.queue_rows_max = 1 << 20;
    })
    .await;
    let api = server.api();
    api.serve("echo_FP64", Fixture::read("echo_FP64").model).await;
    let rows = 200_000;
    let bytes: Vec<u8> = (0..rows * 3).flat_map(|n| f64::from(n).to_le_bytes()).collect();
    let input = binary_input("input", &json!({"datatype": "FP64", "shape": [rows, 3]}), bytes.len());
    let head = json!({"inputs": [input], "parameters": {"binary_data_output": true}});
    let answer = api.send(request(&api, "echo_FP64", &head, &bytes)).await.expect(200);
    assert!(taken_apart(&answer).1 == [bytes], "the tensor came back changed");
    server.stop().await;
}

#[tokio::test]
async fn sizes_that_disagree_are_refused() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("echo_FP32", Fixture::read("echo_FP32").model).await;
    let input = |size: Value| json!({"inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 3], "parameters": {"binary_data_size": size}}]});
    let both = json!({"inputs": [{
        "name": "input", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3], "parameters": {"binary_data_size": 12},
    }]});
    let cases: [(Value, usize, &str); 7] = [
        (input(json!(12)), 8, "binary_data_size"),
        (input(json!(12)), 16, "binary_data_size"),
        (input(json!(8)), 8, "input 'input'"),
        (input(json!(-12)), 12, "binary_data_size"),
        (input(json!("12")), 12, "binary_data_size"),
        (input(json!(u64::MAX)), 12, "binary_data_size"),
        (both, 12, "input 'input'"),
    ];
    for (head, size, says) in cases {
        let answer = api.send(request(&api, "echo_FP32", &head, &vec![0; size])).await.expect(400);
        assert!(answer.text.contains(says), "{head} with {size} bytes: {}", answer.text);
    }
    let whole = input(json!(12)).to_string();
    let infer = "/v2/models/echo_FP32/infer";
    for (value, says) in [("9999", "9999, and the body has"), ("-1", "'-1' came"), ("many", "'many' came")] {
        let request = api.request(Method::POST, infer).header(HEAD_LEN, value).body(whole.clone());
        let answer = api.send(request).await.expect(400);
        assert!(answer.text.contains(says), "{value}: {}", answer.text);
    }
    let v1 = api.request(Method::POST, "/v1/predict/echo_FP32").header(HEAD_LEN, 10).body(whole);
    assert_eq!(api.send(v1).await.expect(400).code(), "binary-not-available");
    server.stop().await;
}
