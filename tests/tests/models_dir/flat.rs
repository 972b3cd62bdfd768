//! KServe's layout: a folder that is one model, and a server that needs nothing else.

use crate::{Models, answering, row};
use serde_json::json;
use servoir::config::Config;
use servoir::serve::start;
use servoir_tests::api::Api;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::config;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

#[tokio::test]
async fn a_folder_that_is_one_model_is_served_by_the_name_that_is_given() {
    let cases: [(&[(&str, &str)], u64); 5] = [
        (&[("model.onnx", "xgb_binary")], 1),
        (&[("exported.onnx", "xgb_binary")], 1),
        (&[("4/model.onnx", "xgb_binary"), ("3/model.onnx", "xgb_binary")], 4),
        (&[("iris/model.onnx", "xgb_binary")], 1),
        (&[("iris/2/model.onnx", "xgb_binary")], 2),
    ];
    for (files, version) in cases {
        let models = Models::with(files);
        let server = models.serve_as(Some("iris"), 0).await;
        let api = server.api();
        assert_eq!(answering(&api, "iris").await, Some(version), "{files:?}");
        api.get("/v2/models/iris/ready").await.expect(200);
        let reloaded = api.post("/v2/repository/models/iris/load", json!({})).await;
        reloaded.expect(200);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_for_one_model_is_not_ready_without_it() {
    let models = Models::empty();
    models.file("model.onnx", Fixture::hostile("truncated.onnx"));
    let data = TempDir::new().expect("a temporary folder");
    let running = start(of_folder(&models, &data, Some("iris"))).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), None);
    let told = async {
        loop {
            let answer = api.get("/readyz").await.expect(503);
            if answer.text.contains("failed") {
                return answer.text;
            }
        }
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect("it fails for good");
    assert!(told.contains("model iris") && told.contains("cut short or damaged"), "{told}");
    running.stop().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_understood_ends_the_start() {
    let flat = Models::with(&[("model.onnx", "xgb_binary")]);
    let other = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let absent = Models::empty();
    absent.file("file", "no folder");
    let cases = [
        (&flat, None, "it holds a model file itself: say which name the model has with --model-name"),
        (&other, Some("iris"), "expected a model file, versions, or a folder 'iris'; it holds churn"),
        (&absent, Some("iris"), "expected a model file, versions, or a folder 'iris'; it holds nothing"),
    ];
    for (models, name, expected) in cases {
        let data = TempDir::new().expect("a temporary folder");
        let Err(error) = start(of_folder(models, &data, name)).await else { panic!("it started: {expected}") };
        let told = format!("{error:#}");
        let folder = models.path().display();
        assert_eq!(told, format!("cannot serve the folder of models: {folder}: {expected}"));
    }
    let data = TempDir::new().expect("a temporary folder");
    let mut config = of_folder(&flat, &data, None);
    config.models.dir = Some("/nonexistent/models".into());
    let told = start(config).await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(told.contains("/nonexistent/models: No such file"), "{told}");
}

fn of_folder(models: &Models, data: &TempDir, name: Option<&str>) -> Config {
    let mut config = config(data.path());
    config.models.dir = Some(models.path().to_owned());
    config.models.name = name.map(str::to_owned);
    config
}

#[tokio::test]
async fn a_fresh_machine_needs_the_folder_and_the_key_that_is_printed() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let home = TempDir::new().expect("a temporary folder");
    let mut child = Command::new(environment::binary())
        .args(["serve", "--listen", "127.0.0.1:0", "--models"])
        .arg(models.path())
        .current_dir(home.path())
        .env("SERVOIR_ONNXRUNTIME", environment::onnxruntime())
        .env("SERVOIR_ENGINES__PROFILE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
    let (mut address, mut key) = (None, None);
    while address.is_none() || key.is_none() {
        let line = lines.next_line().await.expect("text").expect("it says address and key before it ends");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        if event["message"] == "listening" {
            address = event["address"].as_str().map(str::to_owned);
        }
        key = key.or_else(|| line.strip_prefix("    ").map(str::to_owned));
    }
    // What else it says is read, so that it never waits for a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let api = Api::new(format!("http://{}", address.expect("an address")), key.as_deref());
    let ready = async { while api.get("/v2/health/ready").await.status != 200 {} };
    tokio::time::timeout(std::time::Duration::from_secs(60), ready).await.expect("it becomes ready");
    let answer = api.post("/v1/predict/churn", row()).await.expect(200);
    assert_eq!((&answer.json["modelId"], &answer.json["version"]), (&json!("churn"), &json!(1)));
    child.kill().await.expect("it ends");
}
