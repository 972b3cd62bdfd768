//! Models from a folder have the reason in their status.

use servoir_tests::environment;
use servoir_tests::server::{Database, TestServer};
use std::fs;
use tempfile::TempDir;

#[tokio::test]
async fn a_bomb_in_a_folder_says_so_and_the_others_are_served() {
    let models = TempDir::new().expect("a temporary folder");
    for (name, file) in [("bomb", "preflight/expand_to_2_33.onnx"), ("churn", "xgb_binary/model.onnx")] {
        let folder = models.path().join(name).join("1");
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(environment::fixtures().join(file), folder.join("model.onnx")).expect("a fixture");
    }
    // Weights beside the file are mapped into memory, and are read by the child as by the server.
    let folder = models.path().join("external").join("1");
    fs::create_dir_all(&folder).expect("a folder");
    for file in ["model.onnx", "weights.bin"] {
        fs::copy(environment::fixtures().join("external_data").join(file), folder.join(file)).expect("a fixture");
    }
    let dir = models.path().to_owned();
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.models.dir = Some(dir);
        config.preflight.memory_bytes = 1 << 30;
    })
    .await;
    let api = server.api();
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    for words in ["model bomb  failed: version 1: ", "out-of-memory: ", "model churn  ready", "model external  ready"] {
        assert!(checks.contains(words), "'{words}' in: {checks}");
    }
    let index = api.post("/v2/repository/index", serde_json::json!({})).await.expect(200).text;
    assert!(index.contains("out-of-memory"), "{index}");
    server.stop().await;
}
