//! A budget of memory for all models: what is only kept warm goes first, and what does not fit is refused with reasons.

use crate::world::{ask, deployment, series};
use serde_json::{Value, json};
use servoir::config::Config;
use servoir::serve::start;
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer, config};
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// The model that all of these tests load again and again: one file, of which is known what it takes.
fn file() -> Vec<u8> {
    Fixture::read("xgb_binary").model
}

fn row() -> Value {
    json!(Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0])
}

/// A server in which so many versions have room.
async fn with_room_for(versions: f64) -> TestServer {
    // What a version takes is measured when it is loaded, so that it is not known before there is a server. Preflight is off: what
    // stands for it then is three times the file.
    let bytes = file().len() as f64 * 3.0;
    TestServer::start_with(Database::Sqlite, |config| {
        config.preflight.enabled = false;
        config.models.memory_bytes_max = (bytes * versions) as u64;
    })
    .await
}

/// A model whose version 2 is live and whose version 1 is kept warm.
async fn with_way_back(api: &Api, name: &str) -> String {
    let model = api.serve(name, file()).await;
    api.upload(&model, file()).await.expect(201);
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    model
}

async fn status(api: &Api, model: &str) -> Value {
    api.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200).json
}

/// The versions in memory of a model, and what each takes.
async fn in_memory(api: &Api, name: &str) -> Vec<(u64, f64)> {
    let text = api.get("/metrics").await.expect(200).text;
    let of_model =
        |line: &&str| line.starts_with("servoir_model_memory_bytes{") && line.contains(&format!("model=\"{name}\""));
    let read = |line: &str| {
        let version = line.split("version=\"").nth(1)?.split('"').next()?.parse().ok()?;
        Some((version, line.rsplit(' ').next()?.parse().ok()?))
    };
    let mut found: Vec<(u64, f64)> = text.lines().filter(of_model).filter_map(read).collect();
    found.sort_by_key(|(version, _)| *version);
    found
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_says_who_holds_what() {
    let server = with_room_for(2.5).await;
    let api = server.api();
    let bytes = file().len() as f64 * 3.0;
    let model = api.serve("first", file()).await;
    api.serve("second", file()).await;
    assert_eq!(in_memory(&api, "first").await, [(1, bytes)]);
    assert_eq!(status(&api, &model).await["memoryBytes"], json!(bytes as u64));
    assert_eq!(series(&api, "servoir_models_memory_bytes_max").await, Some((bytes * 2.5).floor()));
    let third = api.create_model("third").await;
    api.upload(&third, file()).await.expect(201);
    let refused = api.deploy(&third, json!({})).await.expect(507);
    assert_eq!(refused.code(), "model-memory");
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(
        detail.starts_with("version 1 of 'third' takes ") && detail.contains("'models.memory_bytes_max'"),
        "{detail}"
    );
    assert!(detail.contains("'first' version 1 ") && detail.contains("'second' version 1 "), "{detail}");
    assert_eq!(deployment(&api, &third).await, Value::Null);
    ask(&api, &model, &row()).await.expect(200);

    // A version of a model that is live needs room beside it.
    api.upload(&model, file()).await.expect(201);
    let refused = api.deploy(&model, json!({"version": 2})).await.expect(507);
    assert_eq!(refused.code(), "model-memory");
    assert_eq!(deployment(&api, &model).await["version"], 1);
    assert_eq!(ask(&api, &model, &row()).await.expect(200).json["version"], 1);
    api.post(&format!("{REGISTRY}/models/second/undeploy"), json!({})).await.expect(200);
    api.deploy(&third, json!({})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn the_version_that_was_used_least_lately_goes_first_of_those_kept_warm() {
    let server = with_room_for(4.5).await;
    let api = server.api();
    let [older, newer] = [with_way_back(&api, "older").await, with_way_back(&api, "newer").await];
    let rollback = async |model: &str| {
        api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200).json["deployment"]["version"]
            .as_u64()
    };
    // Each way back answers once more, that of `older` first.
    for model in [&older, &newer] {
        assert_eq!(rollback(model).await, Some(1));
        ask(&api, model, &row()).await.expect(200);
        assert_eq!(rollback(model).await, Some(2));
        ask(&api, model, &row()).await.expect(200);
    }
    let versions =
        async |name: &str| in_memory(&api, name).await.into_iter().map(|(version, _)| version).collect::<Vec<_>>();
    assert_eq!((versions("older").await, versions("newer").await), (vec![1, 2], vec![1, 2]));
    let third = api.serve("third", file()).await;
    assert_eq!((versions("older").await, versions("newer").await), (vec![2], vec![1, 2]));
    // A model's own way back goes too, when it is the next.
    api.upload(&third, file()).await.expect(201);
    api.deploy(&third, json!({"version": 2})).await.expect(200);
    assert_eq!((versions("newer").await, versions("third").await), (vec![2], vec![1, 2]));
    // What went can be gone back to all the same: it is loaded again, in the place of another way back.
    assert_eq!(rollback(&older).await, Some(1));
    assert_eq!(ask(&api, &older, &row()).await.expect(200).json["version"], 1);
    assert_eq!((versions("older").await, versions("third").await), (vec![1, 2], vec![2]));
    server.stop().await;
}

#[tokio::test]
async fn nothing_warm_is_let_go_in_vain() {
    let server = with_room_for(2.5).await;
    let api = server.api();
    with_way_back(&api, "first").await;
    let large = api.create_model("large").await;
    // Without the way back too there would be no room for 40 kB three times.
    let bytes = servoir_tests::matrix::onnx(100);
    assert!(bytes.len() * 2 > file().len() * 3, "{} and {}", bytes.len(), file().len());
    api.upload(&large, bytes).await.expect(201);
    api.deploy(&large, json!({})).await.expect(507);
    assert_eq!(in_memory(&api, "first").await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn what_has_no_room_after_a_restart_says_so_and_the_server_is_ready() {
    let data = TempDir::new().expect("a temporary folder");
    let run = async |change: &dyn Fn(&mut Config)| {
        let mut config = config(data.path());
        config.preflight.enabled = false;
        change(&mut config);
        let running = start(config).await.expect("the server starts");
        let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
        let ready = async { while api.get("/readyz").await.status != 200 {} };
        tokio::time::timeout(PATIENCE, ready).await.expect("the server is ready");
        (running, api)
    };
    let (running, api) = run(&|_| {}).await;
    let models = [api.serve("first", file()).await, api.serve("second", file()).await];
    running.stop().await;

    let bytes = file().len() as u64 * 3;
    let (running, api) = run(&|config| config.models.memory_bytes_max = bytes * 3 / 2).await;
    let mut failed = Vec::new();
    for model in &models {
        let status = status(&api, model).await;
        if status["state"] == "ready" {
            ask(&api, model, &row()).await.expect(200);
        } else {
            let reason = status["reason"].as_str().expect("a reason");
            assert!(status["state"] == "failed" && reason.contains("'models.memory_bytes_max'"), "{status}");
            failed.push(model);
        }
    }
    let [failed] = failed[..] else { panic!("one of two has room: {failed:?}") };
    // When the other goes, it comes by itself.
    for model in models.iter().filter(|model| *model != failed) {
        api.post(&format!("{REGISTRY}/models/{model}/undeploy"), json!({})).await.expect(200);
    }
    let comes = async { while ask(&api, failed, &row()).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, comes).await.expect("it is loaded");
    running.stop().await;
}

#[tokio::test]
async fn what_a_model_takes_is_measured_in_a_process_of_its_own() {
    let server = TestServer::start().await;
    let api = server.api();
    let side = 1024;
    let model = api.serve("matrix", servoir_tests::matrix::onnx(side)).await;
    let weights = (side * side * size_of::<f32>()) as u64;
    let takes = status(&api, &model).await["memoryBytes"].as_u64().expect("a number");
    // At least the weights; not more than them a few times and what opening the library takes.
    assert!((weights..weights * 4 + (64 << 20)).contains(&takes), "{takes} bytes of memory for {weights} of weights");
    server.stop().await;
}
