//! Custom models: weights that are a version at once, and scripts that train where a runner is configured.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::time::Duration;

const STUDIO: &str = "/api/v1/models";
/// Far more than a script here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Trains nothing: it says two rounds and leaves the model that came with it.
const SCRIPT: &str = r#"
import json, os, shutil, sys
config = json.load(open(os.environ["SERVOIR_CONFIG_PATH"]))
print("target", config["target_column"], "rows", sum(1 for _ in open(os.environ["SERVOIR_DATA_PATH"])) - 1)
for epoch in (1, 2):
    print(json.dumps({"epoch": epoch, "total_epochs": 2, "loss": 1.0 / epoch}), flush=True)
assert "SERVOIR_BOOTSTRAP_KEY" not in os.environ
shutil.copy("base.onnx", os.path.join(os.environ["SERVOIR_OUTPUT_PATH"], "model.onnx"))
"#;

async fn server(runner: &[&str]) -> TestServer {
    let runner = runner.iter().map(|word| (*word).to_owned()).collect();
    TestServer::start_with(Database::Sqlite, |config| {
        config.studio.worker = Some(environment::binary());
        config.studio.runner = runner;
    })
    .await
}

/// A custom model with a dataset and a target.
async fn custom(api: &Api) -> String {
    let form = Form::new().part("file", Part::bytes("a,b\n1,0\n2,1\n3,0\n".as_bytes()).file_name("rows.csv"));
    let dataset = api.send(api.request(Method::POST, "/api/v1/datasets").multipart(form)).await.expect(201).json;
    let new = json!({"name": "mine", "model_type": "custom", "task_type": "regression", "dataset_id": dataset["id"],
        "config": {"target_column": "b"}});
    let made = api.post(STUDIO, new).await.expect(201).json;
    made["id"].as_str().expect("an id").to_owned()
}

async fn upload(api: &Api, model: &str, asset_type: &str, (name, bytes): (&str, Vec<u8>)) -> Answer {
    let form = Form::new().text("asset_type", asset_type.to_owned());
    let form = form.part("file", Part::bytes(bytes).file_name(name.to_owned()));
    api.send(api.request(Method::POST, &format!("{STUDIO}/{model}/custom/assets")).multipart(form)).await
}

/// Trains, and gives the run when it has ended.
async fn trained(api: &Api, model: &str) -> Value {
    let run = api.post(&format!("{STUDIO}/{model}/train"), json!({})).await.expect(202).json;
    let path = format!("{STUDIO}/{model}/runs/{}", run["run_id"].as_str().expect("an id"));
    let ended = async {
        loop {
            let run = api.get(&path).await.expect(200).json;
            if run["status"] != "queued" && run["status"] != "running" {
                return run;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the run ends")
}

#[tokio::test]
async fn weights_are_a_version_at_once() {
    let server = server(&[]).await;
    let api = server.api();
    let model = custom(&api).await;
    let bytes = Fixture::read("xgb_binary").model;
    let asset = upload(&api, &model, "weights", ("a/b/weights.onnx", bytes.clone())).await.expect(201).json;
    assert_eq!((&asset["name"], &asset["size_bytes"]), (&json!("weights.onnx"), &json!(bytes.len())));
    let version = asset["version_id"].as_str().expect("a version");
    let version = api.get(&format!("{STUDIO}/{model}/versions/{version}")).await.expect(200).json;
    assert_eq!((&version["status"], &version["algorithm"]), (&json!("ready"), &Value::Null));
    api.post(&format!("{STUDIO}/{model}/deploy"), json!({})).await.expect(200);
    let list = api.get(&format!("{STUDIO}/{model}/custom/assets")).await.expect(200).json;
    assert_eq!(list["assets"], json!([asset]));
    let path = format!("{STUDIO}/{model}/custom/assets/{}", asset["asset_id"].as_str().expect("an id"));
    api.delete(&path).await.expect(204);
    api.delete(&path).await.expect(404);
    // The version that was made of it stays, and answers.
    let row = Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0].clone();
    api.post(&format!("/v1/predict/{model}"), json!({"instances": [row]})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_asset_is_refused() {
    let server = server(&[]).await;
    let api = server.api();
    let model = custom(&api).await;
    let pickle = upload(&api, &model, "weights", ("m.pkl", Fixture::hostile("pickle.pkl"))).await.expect(422);
    assert_eq!(pickle.code(), "unsupported-artifact");
    upload(&api, &model, "weight", ("m.onnx", Vec::new())).await.expect(400);
    let large = upload(&api, &model, "other", ("m.bin", vec![0; (64 << 20) + 1])).await;
    assert_eq!(large.expect(413).code(), "artifact-too-large");
    let auto = json!({"name": "auto", "model_type": "auto", "task_type": "regression"});
    api.post(STUDIO, auto).await.expect(201);
    let refused = upload(&api, "auto", "script", ("train.py", Vec::new())).await.expect(422);
    assert_eq!(refused.code(), "not-custom");
    let list = api.get(&format!("{STUDIO}/{model}/custom/assets")).await.expect(200).json;
    assert_eq!(list["assets"], json!([]), "nothing is half there");
    server.stop().await;
}

#[tokio::test]
async fn a_model_has_a_thousand_files_at_most() {
    let server = server(&[]).await;
    let api = server.api();
    let model = custom(&api).await;
    let first = upload(&api, &model, "config", ("a.toml", b"a = 1".to_vec())).await.expect(201);
    server
        .sql(
            "insert into custom_assets with recursive n(i) as (select 1 union all select i + 1 from n where i < 999) \
             select 'asset_' || i, model, asset_type, name, size_bytes, digest, version, created_by, created_at \
             from custom_assets, n",
        )
        .await;
    let refused = upload(&api, &model, "config", ("b.toml", b"b = 1".to_vec())).await.expect(422);
    assert_eq!(refused.code(), "too-many-assets");
    let id = first.json["asset_id"].as_str().expect("an id");
    api.delete(&format!("/api/v1/models/{model}/custom/assets/{id}")).await.expect(204);
    upload(&api, &model, "config", ("b.toml", b"b = 1".to_vec())).await.expect(201);
    server.stop().await;
}

#[tokio::test]
async fn a_script_trains_where_a_runner_is_configured() {
    let python = environment::required("SERVOIR_TEST_PYTHON");
    let server = server(&[&python, "-u"]).await;
    let api = server.api();
    let model = custom(&api).await;
    let refused = api.post(&format!("{STUDIO}/{model}/train"), json!({})).await.expect(422);
    assert_eq!(refused.code(), "no-script");
    upload(&api, &model, "script", ("train.py", SCRIPT.into())).await.expect(201);
    upload(&api, &model, "other", ("base.onnx", Fixture::read("xgb_binary").model)).await.expect(201);
    let run = trained(&api, &model).await;
    assert_eq!(run["status"], "completed", "{run}");
    let versions = api.get(&format!("{STUDIO}/{model}/versions")).await.expect(200).json;
    let version = &versions["results"][0];
    assert_eq!((&version["algorithm"], &version["is_promoted"]), (&json!("script"), &json!(true)));
    assert_eq!(version["metrics"], json!({"loss": 0.5}), "the last round's");
    let metrics = api.get(&format!("{STUDIO}/{model}/training-metrics")).await.expect(200).json;
    assert_eq!(metrics["metrics"], json!({"loss": [1.0, 0.5]}));
    let logs = api.get(&format!("{STUDIO}/{model}/training-metrics/logs")).await.expect(200).text;
    assert!(logs.contains("target b rows 3"), "{logs}");

    for (script, code) in [
        ("import sys; sys.exit(3)", "script-failed"),
        ("print('nothing')", "no-model"),
        ("x = bytearray(2 ** 34)", "script-failed"),
        ("import os; open(os.environ['SERVOIR_OUTPUT_PATH'] + '/model.onnx', 'w').write('no')", "result-unfit"),
    ] {
        upload(&api, &model, "script", ("train.py", script.into())).await.expect(201);
        let run = trained(&api, &model).await;
        assert_eq!((&run["status"], &run["failure"]["code"]), (&json!("failed"), &json!(code)), "{script}: {run}");
    }
    let versions = api.get(&format!("{STUDIO}/{model}/versions")).await.expect(200).json;
    assert_eq!(versions["total"], 1, "what failed left no version");
    server.stop().await;
}

#[tokio::test]
async fn scripts_do_not_run_by_default() {
    let server = server(&[]).await;
    let api = server.api();
    let model = custom(&api).await;
    upload(&api, &model, "script", ("train.py", SCRIPT.into())).await.expect(201);
    let refused = api.post(&format!("{STUDIO}/{model}/train"), json!({})).await.expect(422);
    assert_eq!(refused.code(), "no-runner");
    server.stop().await;
}
