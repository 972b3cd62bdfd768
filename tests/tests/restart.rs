//! What was live is live again after a restart, on one node and on others; readiness tells the truth meanwhile.

use serde_json::json;
use servoir::config::Config;
use servoir::serve::{Running, start};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::postgres::TestDatabase;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::Secret;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

async fn run(config: Config) -> (Running, Api) {
    let running = start(config).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    (running, api)
}

/// Asks again until the answer is as it should be.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

async fn live_version(api: &Api, model: &str, body: &serde_json::Value) -> Option<u64> {
    let answer = api.post(&format!("/v1/predict/{model}"), body.clone()).await;
    answer.json["version"].as_u64()
}

fn example() -> (Fixture, serde_json::Value) {
    let fixture = Fixture::read("xgb_binary");
    let body = json!({"instances": [Fixture::rows(&fixture.cases[0])[0]]});
    (fixture, body)
}

#[tokio::test]
async fn exactly_what_was_live_is_restored() {
    let (fixture, body) = example();
    let data = TempDir::new().expect("a temporary folder");
    let (running, api) = run(config(data.path())).await;
    let deployed = api.serve("deployed", fixture.model.clone()).await;
    api.upload(&deployed, Fixture::read("xgb_binary_v2").model).await.expect(201);
    let rolled_back = api.serve("rolled back", fixture.model.clone()).await;
    api.upload(&rolled_back, Fixture::read("xgb_binary_v2").model).await.expect(201);
    api.deploy(&rolled_back, json!({"version": 2})).await.expect(200);
    let answer = api.post(&format!("{REGISTRY}/models/{rolled_back}/rollback"), json!({})).await.expect(200);
    assert_eq!(answer.json["deployment"]["version"], 1, "{}", answer.text);
    let undeployed = api.serve("undeployed", fixture.model.clone()).await;
    api.post(&format!("{REGISTRY}/models/{undeployed}/undeploy"), json!({})).await.expect(200);
    running.stop().await;

    let (running, api) = run(config(data.path())).await;
    eventually("ready", async || api.get("/readyz").await.status == 200).await;
    // Ready, so no more waiting: everything that should be live is.
    assert_eq!(live_version(&api, &deployed, &body).await, Some(1));
    assert_eq!(live_version(&api, &rolled_back, &body).await, Some(1));
    api.post(&format!("/v1/predict/{undeployed}"), body.clone()).await.expect(404);
    let status = api.get(&format!("{REGISTRY}/models/{deployed}/status")).await.expect(200);
    assert_eq!(status.json["state"], "ready", "{}", status.text);
    // The way back survives the restart too.
    let answer = api.post(&format!("{REGISTRY}/models/{rolled_back}/rollback"), json!({})).await.expect(200);
    assert_eq!(answer.json["deployment"]["version"], 2);
    assert_eq!(live_version(&api, &rolled_back, &body).await, Some(2));
    running.stop().await;
}

#[tokio::test]
async fn a_damaged_artifact_is_found_at_load_and_told() {
    let (fixture, body) = example();
    let data = TempDir::new().expect("a temporary folder");
    let (running, api) = run(config(data.path())).await;
    let damaged = api.serve("damaged", fixture.model.clone()).await;
    let whole = api.serve("whole", Fixture::read("xgb_binary_v2").model).await;
    running.stop().await;
    let digest = servoir_types::Digest::of(&fixture.model).to_hex();
    let blob = find(&data.path().join("artifacts"), &digest).expect("the artifact's file");
    let mut bytes = std::fs::read(&blob).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&blob, bytes).expect("writable");

    let (running, api) = run(config(data.path())).await;
    eventually("settled", async || api.get("/readyz").await.status == 200).await;
    let checks = api.get("/readyz?verbose").await.expect(200);
    assert!(checks.text.contains("damaged"), "ready, and honest about what failed for good: {}", checks.text);
    assert_eq!(live_version(&api, &whole, &body).await, Some(1));
    let status = api.get(&format!("{REGISTRY}/models/{damaged}/status")).await.expect(200);
    assert_eq!(status.json["state"], "failed", "{}", status.text);
    assert!(status.text.contains("digest"), "the reason: {}", status.text);
    assert_eq!(live_version(&api, &damaged, &body).await, None);
    running.stop().await;
}

fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| match entry.path() {
        path if path.is_dir() => find(&path, name),
        path if entry.file_name() == name => Some(path),
        _ => None,
    })
}

#[tokio::test]
async fn two_nodes_on_one_database_agree() {
    let (fixture, body) = example();
    let database = TestDatabase::create().await;
    let shared = TempDir::new().expect("a temporary folder");
    let homes = [TempDir::new().expect("a temporary folder"), TempDir::new().expect("a temporary folder")];
    let node = |home: &TempDir| {
        let mut config = config(home.path());
        config.database_url = Secret::new(database.url());
        config.artifacts_url = format!("file://{}", shared.path().display());
        config
    };
    let (first, a) = run(node(&homes[0])).await;
    let (second, b) = run(node(&homes[1])).await;
    let model = a.serve("churn", fixture.model).await;
    eventually("the other node follows", async || live_version(&b, &model, &body).await == Some(1)).await;
    b.upload(&model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    b.deploy(&model, json!({})).await.expect(200);
    assert_eq!(live_version(&b, &model, &body).await, Some(2), "the node that was asked is there with the answer");
    eventually("the first node follows", async || live_version(&a, &model, &body).await == Some(2)).await;
    eventually("both nodes have reported", async || {
        let status = a.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200);
        status.json["nodes"].as_array().is_some_and(|nodes| nodes.len() == 2)
    })
    .await;
    let key =
        b.post("/api/v1/auth/api-keys", json!({"name": "k", "scopes": ["model-registry:read"]})).await.expect(201);
    let reader = a.with_key(key.json["key"].as_str());
    eventually("a key works everywhere", async || reader.get(&format!("{REGISTRY}/models")).await.status == 200).await;
    b.delete(&format!("/api/v1/auth/api-keys/{}", key.json["id"].as_str().expect("an id"))).await.expect(204);
    eventually("and ends everywhere", async || reader.get(&format!("{REGISTRY}/models")).await.status == 401).await;
    a.post(&format!("{REGISTRY}/models/{model}/undeploy"), json!({})).await.expect(200);
    eventually("it is taken down everywhere", async || live_version(&b, &model, &body).await.is_none()).await;
    first.stop().await;
    second.stop().await;
    database.drop().await;
}
