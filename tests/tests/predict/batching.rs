//! Deadlines, engine failures and company in a batch.

use crate::tensor;
use serde_json::json;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn a_caller_s_deadline_ends_the_wait() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("slow", Fixture::read("slow").model).await;
    let body = |timeout_us: u64| json!({"parameters": {"timeout": timeout_us}, "inputs": [tensor("x", "FP32", json!([1, 1]), json!([1]))]});
    let late = api.post("/v2/models/slow/infer", body(1)).await.expect(504);
    assert!(late.json["error"].as_str().is_some_and(|error| error.contains("deadline")), "{}", late.text);
    api.post("/v2/models/slow/infer", body(20_000_000)).await.expect(200);
    api.post("/v2/models/slow/infer", body(0)).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn one_failing_input_harms_no_other() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("picky", Fixture::read("fails_on_negative").model).await;
    let ask = |value: i32| {
        let api = api.clone();
        async move { (value, api.post("/v1/predict/picky", json!({"instances": [[value]]})).await) }
    };
    let answers = futures_util::future::join_all((-4..=12).map(ask)).await;
    for (value, answer) in answers {
        if value < 0 {
            assert_eq!((answer.status.as_u16(), answer.code()), (500, "engine-failed"), "{}", answer.text);
            assert!(answer.text.contains("onnxruntime"), "{}", answer.text);
        } else {
            assert_eq!(answer.status, 200, "{value}: {}", answer.text);
            assert_eq!(answer.json["predictions"], json!([f64::from(value) * 2.0]));
        }
    }
    server.stop().await;
}
