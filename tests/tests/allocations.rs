//! What a prediction asks of the allocator, from the first byte of the request to the last of the answer, while it is
//! counted for monitoring.

use serde_json::json;
use servoir_monitor::{Baseline, CategoryProfile, Column, NumberProfile, Precision};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// So many blocks of memory one prediction takes at most, hyper's and tokio's among them: a row of JSON, a model of trees,
/// an answer of JSON. docs/performance.md says what they are.
const BLOCKS_MAX: u64 = 24;
/// The same for the model run on an instance's thread.
const QUEUED_BLOCKS_MAX: u64 = 30;
/// Predictions that are counted together, and how often: what goes on beside them falls into some of the stretches, and the one with
/// the fewest blocks counts.
const PREDICTIONS: u64 = 60;
const STRETCHES: usize = 5;
/// The longest answer.
const ANSWER_BYTES_MAX: usize = 1024;

/// A caller that takes no memory of its own while it is counted.
struct Caller {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Caller {
    fn ask(&mut self) {
        self.stream.write_all(&self.request).expect("the request is sent");
        let mut length = 0;
        loop {
            let came = self.stream.read(&mut self.answer[length..]).expect("an answer comes");
            assert!(came > 0, "the connection stays");
            length += came;
            if self.answer[..length].ends_with(b"}") {
                break;
            }
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.answer[..length]));
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

#[tokio::test(flavor = "multi_thread")]
async fn a_prediction_takes_few_blocks_of_memory() {
    let _counting = dhat::Profiler::builder().testing().trim_backtraces(Some(1)).build();
    for (inline_cost_max, blocks_max) in [(Duration::from_secs(1), BLOCKS_MAX), (Duration::ZERO, QUEUED_BLOCKS_MAX)] {
        let server = TestServer::start_with(Database::Sqlite, |config| {
            config.batching.inline_cost_max = inline_cost_max;
        })
        .await;
        let fixture = Fixture::read("xgb_binary");
        let body = json!({"instances": [Fixture::rows(&fixture.cases[0])[0]]}).to_string();
        let model = server.api().create_model("churn").await;
        server.api().upload(&model, fixture.model).await.expect(201);
        server.sql(with_baseline(&model)).await;
        server.api().deploy(&model, json!({})).await.expect(200);
        let request = format!(
            "POST /v1/predict/churn HTTP/1.1\r\nHost: x\r\nX-API-Key: {BOOTSTRAP_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = TcpStream::connect(server.address()).expect("the server accepts");
        let mut caller = Caller { stream, request: request.into_bytes(), answer: vec![0; ANSWER_BYTES_MAX] };
        let per_prediction = tokio::task::spawn_blocking(move || {
            (0..20).for_each(|_| caller.ask());
            let stretches = (0..STRETCHES).map(|_| {
                let before = dhat::HeapStats::get().total_blocks;
                (0..PREDICTIONS).for_each(|_| caller.ask());
                (dhat::HeapStats::get().total_blocks - before) / PREDICTIONS
            });
            stretches.min().expect("a stretch")
        });
        let per_prediction = per_prediction.await.expect("the caller asks");
        assert!(per_prediction <= blocks_max, "{per_prediction} blocks a prediction, {blocks_max} at most");
        assert!(per_prediction > 0, "blocks are counted");
        server.stop().await;
    }
}
