//! The statistics extension: every request is counted once, where it belongs.

use crate::tensor;
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn requests_are_counted_exactly() {
    let server = TestServer::start().await;
    let api = server.api();
    let picky = api.serve("picky", Fixture::read("fails_on_negative").model).await;
    let nothing = json!({"count": 0, "ns": 0});
    let fresh = api.get("/v2/models/picky/stats").await.expect(200).json;
    let parts =
        ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss"];
    let stats: Value =
        parts.iter().map(|part| ((*part).to_owned(), nothing.clone())).collect::<serde_json::Map<_, _>>().into();
    let expected = json!({"model_stats": [{
        "name": "picky", "version": "1", "last_inference": 0, "inference_count": 0, "execution_count": 0,
        "inference_stats": stats, "response_stats": {}, "batch_stats": [], "memory_usage": [],
    }]});
    assert_eq!(fresh, expected);

    let ask = |values: Value, rows: usize| {
        let body = json!({"inputs": [tensor("x", "FP32", json!([rows, 1]), values)]});
        let api = api.clone();
        async move { api.post("/v2/models/picky/infer", body).await }
    };
    for _ in 0..3 {
        ask(json!([1]), 1).await.expect(200);
    }
    ask(json!([1, 2, 3, 4]), 4).await.expect(200);
    ask(json!([-1]), 1).await.expect(500);
    // What does not fit the model never became a request to it.
    ask(json!(["a"]), 1).await.expect(400);

    let entry = api.get("/v2/models/picky/versions/1/stats").await.expect(200).json["model_stats"][0].clone();
    assert_eq!((&entry["inference_count"], &entry["execution_count"]), (&json!(7), &json!(4)));
    assert!(entry["last_inference"].as_u64().is_some_and(|millis| millis > 1_600_000_000_000), "{entry}");
    let count = |part: &str| entry["inference_stats"][part]["count"].as_u64();
    let ns = |part: &str| entry["inference_stats"][part]["ns"].as_u64().expect("a number");
    assert_eq!((count("success"), count("fail")), (Some(4), Some(1)));
    for part in ["queue", "compute_input", "compute_infer", "compute_output"] {
        assert_eq!(count(part), Some(4), "{part}");
    }
    assert!(ns("compute_infer") > 0 && ns("compute_infer") + ns("queue") <= ns("success"), "{entry}");
    let sizes = entry["batch_stats"].as_array().expect("sizes").iter();
    let sizes: Vec<_> =
        sizes.map(|size| (size["batch_size"].clone(), size["compute_infer"]["count"].clone())).collect();
    assert_eq!(sizes, [(json!(1), json!(3)), (json!(4), json!(1))]);

    // Under the name that the caller knows it by; all models by their names; nothing of other organizations.
    assert_eq!(api.get(&format!("/v2/models/{picky}/stats")).await.json["model_stats"][0]["name"], picky);
    api.serve("another", Fixture::read("xgb_binary").model).await;
    let all = api.get("/v2/models/stats").await.expect(200).json;
    let names: Vec<_> = all["model_stats"].as_array().expect("a list").iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["another", "picky"]);
    assert_eq!(all["model_stats"][1], entry);
    api.with_key(None).get("/v2/models/stats").await.expect(401);
    server.stop().await;
}
