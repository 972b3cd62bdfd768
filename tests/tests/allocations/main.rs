//! What a prediction asks of the allocator, from the first byte of the request to the last of the answer, while it is
//! counted for monitoring.

mod grpc;
mod http1;

use grpc::Grpc;
use http1::Http1;
use prost::Message as _;
use serde_json::{Value, json};
use servoir_codec::grpc::proto::ModelInferRequest;
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;
use servoir_monitor::{Baseline, CategoryProfile, Column, NumberProfile, Precision};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::net::SocketAddr;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// So many blocks of memory one prediction takes at most, hyper's and tokio's among them: a row, a model of trees, an answer. Where it runs
/// on the connection's thread, and where on an instance's. docs/performance.md says what they are.
const BLOCKS_MAX: [(Way, u64, u64); 4] =
    [(Way::V1, 23, 26), (Way::V2, 27, 30), (Way::V2Binary, 31, 34), (Way::Grpc, 73, 76)];
/// Predictions that are counted together, and how often: what goes on beside them falls into some of the stretches, and the one
/// with the fewest blocks counts. They are short, so that nothing falls into one of them on a slow machine too.
const PREDICTIONS: u64 = 5;
const STRETCHES: usize = 60;
/// Predictions before the first that is counted.
const WARM_UP: usize = 20;

/// A caller that takes no memory of its own while it is counted.
trait Caller {
    /// Asks, and waits for the whole answer.
    fn ask(&mut self);
}

/// How a prediction is asked for.
#[derive(Debug, Clone, Copy)]
enum Way {
    V1,
    V2,
    V2Binary,
    Grpc,
}

impl Way {
    /// A caller that asks `churn` for this row.
    fn caller(self, address: SocketAddr, (input, row): (&str, &[f32])) -> Box<dyn Caller + Send> {
        let tensor = || json!({"name": input, "shape": [1, row.len()], "datatype": "FP32"});
        let raw: Vec<u8> = row.iter().flat_map(|number| number.to_le_bytes()).collect();
        let json = |path: &str, body: &Value| {
            let typed = (path, "Content-Type: application/json\r\n");
            Box::new(Http1::new(address, typed, body.to_string().as_bytes()))
        };
        match self {
            Self::V1 => json("/v1/predict/churn", &json!({"instances": [row]})),
            Self::V2 => {
                let mut tensor = tensor();
                tensor["data"] = json!(row);
                json("/v2/models/churn/infer", &json!({"inputs": [tensor]}))
            }
            Self::V2Binary => {
                let mut tensor = tensor();
                tensor["parameters"] = json!({"binary_data_size": raw.len()});
                let head = json!({"inputs": [tensor], "parameters": {"binary_data_output": true}}).to_string();
                let fields = format!(
                    "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: {}\r\n",
                    head.len()
                );
                let body = [head.as_bytes(), &raw].concat();
                Box::new(Http1::new(address, ("/v2/models/churn/infer", &fields), &body))
            }
            Self::Grpc => {
                let tensor = InferInputTensor {
                    name: input.to_owned(),
                    datatype: "FP32".into(),
                    shape: vec![1, row.len() as i64],
                    ..InferInputTensor::default()
                };
                let message = ModelInferRequest {
                    model_name: "churn".into(),
                    inputs: vec![tensor],
                    raw_input_contents: vec![raw.into()],
                    ..ModelInferRequest::default()
                };
                let path = "/inference.GRPCInferenceService/ModelInfer";
                Box::new(Grpc::new(address, path, &message.encode_to_vec()))
            }
        }
    }
}

/// SQL that gives a model's version 1 a baseline, so that its predictions are counted.
fn with_baseline(model: &str) -> String {
    let number = |name: &str| Column::number(name, NumberProfile::of(&[0.0, 0.25, 0.5, 20.0], Precision::Single));
    let label = Column::category("label", CategoryProfile::of([Some("0"), Some("1")]));
    let features = ["mean radius", "mean texture", "worst area"].map(number).to_vec();
    let baseline = Baseline::new(4, features, vec![label, number("confidence"), number("probabilities.1")]);
    format!(
        "insert into baselines (id, model, version, source, row_count, body, active, created_by, created_at) \
         values ('baseline_of_the_test', '{model}', 1, 'upload', 4, '{}', 1, 'a test', 0)",
        String::from_utf8(baseline.to_json()).expect("JSON")
    )
}

/// Blocks that one prediction takes.
fn blocks(caller: &mut dyn Caller) -> u64 {
    (0..WARM_UP).for_each(|_| caller.ask());
    let stretches = (0..STRETCHES).map(|_| {
        let before = dhat::HeapStats::get().total_blocks;
        (0..PREDICTIONS).for_each(|_| caller.ask());
        (dhat::HeapStats::get().total_blocks - before).div_ceil(PREDICTIONS)
    });
    stretches.min().expect("a stretch")
}

/// What each prediction takes, with runs of up to this cost on the connection's thread.
async fn blocks_of_each_way(inline_cost_max: Duration) -> Vec<u64> {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.batching.inline_cost_max = inline_cost_max;
    })
    .await;
    let fixture = Fixture::read("xgb_binary");
    let (input, _) = fixture.cases[0]["inputs"].as_object().and_then(|inputs| inputs.iter().next()).expect("an input");
    let row = &Fixture::rows(&fixture.cases[0])[0];
    let row: Vec<f32> = row.iter().map(|number| number.as_f64().expect("a number") as f32).collect();
    let model = server.api().create_model("churn").await;
    server.api().upload(&model, fixture.model).await.expect(201);
    server.sql(with_baseline(&model)).await;
    server.api().deploy(&model, json!({})).await.expect(200);
    let mut callers = BLOCKS_MAX.map(|(way, ..)| way.caller(server.address(), (input, &row)));
    let counted = tokio::task::spawn_blocking(move || callers.iter_mut().map(|caller| blocks(&mut **caller)).collect());
    let counted = counted.await.expect("the callers ask");
    server.stop().await;
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prediction_takes_few_blocks_of_memory() {
    let _counting = dhat::Profiler::builder().testing().trim_backtraces(Some(1)).build();
    let inline = blocks_of_each_way(Duration::from_secs(1)).await;
    let queued = blocks_of_each_way(Duration::ZERO).await;
    for ((way, inline_max, queued_max), counted) in BLOCKS_MAX.into_iter().zip(inline.into_iter().zip(queued)) {
        println!("{way:?}: {counted:?} blocks a prediction, inline and queued");
        assert!(counted.0 > 0 && counted.1 > 0, "blocks are counted");
        assert!(
            counted.0 <= inline_max && counted.1 <= queued_max,
            "{way:?}: {counted:?} blocks a prediction, {inline_max} and {queued_max} at most"
        );
    }
}
