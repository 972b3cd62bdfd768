//! Every protocol and every way through the runtime counts the same.

use crate::node::{Node, window};
use crate::rows::{Asked, Rows};
use serde_json::{Value, json};
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;
use servoir_codec::grpc::proto::{ModelInferRequest, ModelInferResponse};
use servoir_tests::api::Api;
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::time::Duration;
use tempfile::TempDir;
use tonic::transport::Endpoint;

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_is_counted_as_its_rows() {
    // Run on the thread that asks, and handed over to an instance.
    for inline_cost_max in [Duration::from_secs(1), Duration::ZERO] {
        let data = TempDir::new().expect("a temporary folder");
        let node = Node::start(data.path(), |config| config.batching.inline_cost_max = inline_cost_max).await;
        let rows = Rows::read();
        let model = node.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
        let mut asked = Asked::default();
        for (turn, count) in [1, 2, 7, 20].into_iter().enumerate() {
            let some = rows.take(turn * 5, count);
            asked.note_v1(&some, &node.api.post("/v1/predict/m", Asked::body(&some)).await);
            let by_name: Vec<Value> = some
                .iter()
                .map(|row| {
                    let names = rows.baseline.features.iter().map(|column| column.name.clone());
                    names.zip(row.iter().map(|value| json!(value))).collect::<serde_json::Map<_, _>>().into()
                })
                .collect();
            asked.note_v1(&some, &node.api.post("/v1/predict/m", json!({ "instances": by_name })).await);
            v2_json(&node.api, &some, &mut asked).await;
            v2_binary(&node.api, &some, &mut asked).await;
            grpc(&node.api, &some, &mut asked).await;
        }
        let database = node.database.clone();
        node.stop().await;
        let window = window(&database, &model).await;
        asked.assert_counted(&rows.baseline, window.counts.as_ref().expect("counts"));
        assert_eq!((window.traffic.requests(), window.traffic.failed(), window.traffic.rows()), (20, 0, 150));
        assert!(window.traffic.duration_quantile(0.5).expect("requests took time") > 0.0);
    }
}

/// Callers at once, whose requests run together.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_run_together_are_counted_each_for_itself() {
    const CALLERS: usize = 8;
    const REQUESTS: usize = 25;
    let data = TempDir::new().expect("a temporary folder");
    let node = Node::start(data.path(), |_| {}).await;
    let rows = Rows::read();
    let model = node.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
    node.api.deploy(&model, json!({"batching": {"maxQueueDelayMs": 2}, "replicas": 2})).await.expect(200);
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (api, some) = (node.api.clone(), rows.take(caller * 13, REQUESTS * 3));
        callers.spawn(async move {
            let mut asked = Asked::default();
            for part in some.chunks(1 + caller % 3) {
                asked.note_v1(part, &api.post("/v1/predict/m", Asked::body(part)).await);
            }
            asked
        });
    }
    let mut asked = Asked::default();
    callers.join_all().await.into_iter().for_each(|more| asked.extend(more));
    let database = node.database.clone();
    node.stop().await;
    asked.assert_counted(&rows.baseline, window(&database, &model).await.counts.as_ref().expect("counts"));
}

fn tensor(rows: &[Vec<f32>]) -> Value {
    let values: Vec<f32> = rows.concat();
    json!({"name": "input", "shape": [rows.len(), 30], "datatype": "FP32", "data": values})
}

async fn v2_json(api: &Api, rows: &[Vec<f32>], asked: &mut Asked) {
    let answer = api.post("/v2/models/m/infer", json!({ "inputs": [tensor(rows)] })).await.expect(200);
    note_v2(rows, &answer.json["outputs"], asked);
}

/// The same with the input's values as bytes behind the JSON.
async fn v2_binary(api: &Api, rows: &[Vec<f32>], asked: &mut Asked) {
    let mut input = tensor(rows);
    input.as_object_mut().expect("an object").remove("data");
    input["parameters"] = json!({"binary_data_size": rows.len() * 120});
    let head = json!({ "inputs": [input] }).to_string();
    let bytes = [head.as_bytes(), &bytes(rows)].concat();
    let request = api.request(reqwest::Method::POST, "/v2/models/m/infer");
    let request = request.header("Inference-Header-Content-Length", head.len()).body(bytes);
    let answer = api.send(request).await.expect(200);
    note_v2(rows, &answer.json["outputs"], asked);
}

fn bytes(rows: &[Vec<f32>]) -> Vec<u8> {
    rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
}

fn note_v2(rows: &[Vec<f32>], outputs: &Value, asked: &mut Asked) {
    let data = |index: usize| outputs[index]["data"].as_array().expect("data").iter();
    let labels = data(0).map(|label| label.as_i64().expect("a class")).collect();
    let flat: Vec<f32> = data(1).map(|value| value.as_f64().expect("a number") as f32).collect();
    asked.note(rows, (labels, flat.as_chunks::<2>().0.to_vec()));
}

async fn grpc(api: &Api, rows: &[Vec<f32>], asked: &mut Asked) {
    let answer = infer(api, message(rows)).await;
    let longs = answer.raw_output_contents[0].as_chunks::<8>().0.iter();
    let floats = answer.raw_output_contents[1].as_chunks::<4>().0.iter();
    let labels = longs.map(|bytes| i64::from_le_bytes(*bytes)).collect();
    let flat: Vec<f32> = floats.map(|bytes| f32::from_le_bytes(*bytes)).collect();
    asked.note(rows, (labels, flat.as_chunks::<2>().0.to_vec()));
}

/// A message that asks for these rows.
pub fn message(rows: &[Vec<f32>]) -> ModelInferRequest {
    let shape = vec![i64::try_from(rows.len()).unwrap(), 30];
    let input = InferInputTensor { name: "input".into(), datatype: "FP32".into(), shape, ..Default::default() };
    let raw_input_contents = vec![bytes(rows).into()];
    ModelInferRequest { model_name: "m".into(), inputs: vec![input], raw_input_contents, ..Default::default() }
}

/// Asks over gRPC.
pub async fn infer(api: &Api, message: ModelInferRequest) -> ModelInferResponse {
    let channel = Endpoint::from_shared(api.url().to_owned()).expect("a URL").connect().await.expect("a connection");
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("a key is ASCII"));
    GrpcInferenceServiceClient::new(channel).model_infer(request).await.expect("an answer").into_inner()
}
