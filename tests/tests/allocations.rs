//! What a prediction asks of the allocator, from the first byte of the request to the last of the answer.

use serde_json::json;
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
/// Predictions that are counted: enough for what goes on beside them not to matter.
const PREDICTIONS: u64 = 300;
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
        server.api().serve("churn", fixture.model).await;
        let request = format!(
            "POST /v1/predict/churn HTTP/1.1\r\nHost: x\r\nX-API-Key: {BOOTSTRAP_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = TcpStream::connect(server.address()).expect("the server accepts");
        let mut caller = Caller { stream, request: request.into_bytes(), answer: vec![0; ANSWER_BYTES_MAX] };
        let per_prediction = tokio::task::spawn_blocking(move || {
            (0..20).for_each(|_| caller.ask());
            let before = dhat::HeapStats::get().total_blocks;
            (0..PREDICTIONS).for_each(|_| caller.ask());
            (dhat::HeapStats::get().total_blocks - before) / PREDICTIONS
        });
        let per_prediction = per_prediction.await.expect("the caller asks");
        assert!(per_prediction <= blocks_max, "{per_prediction} blocks a prediction, {blocks_max} at most");
        assert!(per_prediction > 0, "blocks are counted");
        server.stop().await;
    }
}
