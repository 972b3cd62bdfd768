//! Where models are measured, every engine that is measured is tried first.

use crate::worker::Worker;
use crate::{tried, version};
use serde_json::json;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};

/// A child that is told to try tract dies of it; with tract after others it stops before that.
const CRASHES_WITH_TRACT: &str = r#"
case "$job" in
*'"engines":["tract"]'*) kill -SEGV $$ ;;
*) real "$(printf %s "$job" | sed 's/,"tract"\]/]/')" ;;
esac"#;

#[tokio::test]
async fn an_engine_that_crashes_on_a_model_does_not_open_it_here() {
    let worker = Worker::new();
    worker.does(CRASHES_WITH_TRACT);
    let program = worker.program();
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.profile_seconds = 1;
        config.preflight.worker = Some(program);
    })
    .await;
    let api = server.api();
    let model = api.create_model("network").await;
    api.upload(&model, Fixture::read("smallconv").model).await.expect(201);
    api.deploy(&model, json!({})).await.expect(200);
    assert_eq!(tried(&api, "safe").await, 1);
    let shown = api.get("/v2/models/network/config").await.expect(200).json;
    let profile = &shown["servoir"]["profile"];
    let left_out = profile["leftOut"].to_string();
    assert!(left_out.contains("tract: crashed: ") && left_out.contains("SIGSEGV"), "{left_out}");
    let curves = profile["curves"].as_array().expect("curves");
    assert!(curves.iter().all(|curve| curve["engine"] == "onnxruntime") && !curves.is_empty(), "{profile}");

    // Who names that engine is told, and the version is as good as before.
    let refused = api.deploy(&model, json!({"tuning": {"engine": "tract"}})).await.expect(422);
    assert!(refused.text.contains("SIGSEGV"), "{}", refused.text);
    assert_eq!(version(&api, &model, 1).await["state"], "ready");
    server.stop().await;
}
