//! A model is measured when it is loaded for the first time; what a deployment says counts before what was measured.

use serde_json::{Value, json};
use servoir::reconcile::Looks;
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

async fn config(api: &Api, model: &str) -> Value {
    api.get(&format!("/v2/models/{model}/config")).await.expect(200).json
}

/// The profiles that a server keeps, with the time of their writing.
fn kept(data: &Path) -> Vec<(String, SystemTime)> {
    let entries = std::fs::read_dir(data.join("profiles")).into_iter().flatten();
    let named = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let written = entry.metadata().and_then(|about| about.modified()).expect("a time");
        (entry.file_name().to_string_lossy().into_owned(), written)
    });
    named.collect()
}

#[tokio::test]
async fn a_model_is_measured_once_and_shown() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.profile_seconds = 1).await;
    let api = server.api();
    let fixture = Fixture::read("mlp_softmax");
    let model = api.create_model("mlp").await;
    api.upload(&model, fixture.model.clone()).await.expect(201);
    api.deploy(&model, json!({})).await.expect(200);
    let shown = config(&api, "mlp").await;
    let profile = &shown["servoir"]["profile"];
    let curves = profile["curves"].as_array().expect("curves");
    assert!(!curves.is_empty(), "{profile}");
    for curve in curves {
        let points = curve["points"].as_array().expect("points");
        assert_eq!(points[0]["rows"], 1);
        assert!(points.windows(2).all(|pair| pair[0]["rows"].as_u64() < pair[1]["rows"].as_u64()), "{curve}");
        assert!(points.iter().all(|point| point["micros"].as_f64() > Some(0.0)), "{curve}");
    }
    // What runs is one of the curves' ways.
    let (engine, threads) = (&shown["backend"], &shown["servoir"]["threads"]);
    assert!(curves.iter().any(|curve| curve["engine"] == *engine && curve["threads"] == *threads), "{shown}");
    let status = api.get(&format!("/api/v1/model-registry/models/{model}/status")).await.expect(200).json;
    assert_eq!(status["run"]["profile"], *profile);
    // The trees are left out by the first node that they do not know.
    let left_out = profile["leftOut"].to_string();
    assert!(left_out.contains("trees: trees cannot load this model"), "{left_out}");

    let before = kept(server.data_dir());
    assert_eq!(before.len(), 1);
    // The same file again, under another name: nothing is measured.
    let other = api.create_model("other").await;
    api.upload(&other, fixture.model).await.expect(201);
    api.deploy(&other, json!({})).await.expect(200);
    assert_eq!(config(&api, "other").await["servoir"]["profile"], *profile);
    assert_eq!(kept(server.data_dir()), before);
    server.stop().await;
}

#[tokio::test]
async fn what_a_deployment_says_counts_before_what_was_measured() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.profile_seconds = 1).await;
    let api = server.api();
    let model = api.create_model("churn").await;
    api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201);
    let tuning = json!({"engine": "onnxruntime", "instances": 3, "threads": 1, "inlineRowsMax": 5});
    let asked = json!({"tuning": tuning, "batching": {"maxBatchSize": 7, "maxQueueDelayMs": 0.0}});
    let deployed = api.deploy(&model, asked).await.expect(200).json;
    assert_eq!(deployed["deployment"]["tuning"], tuning);
    let shown = config(&api, "churn").await;
    let told =
        (&shown["backend"], &shown["instance_group"][0]["count"], &shown["dynamic_batching"]["preferred_batch_size"]);
    assert_eq!(told, (&json!("onnxruntime"), &json!(3), &json!([7])));
    assert_eq!(shown["servoir"]["threads"], 1);
    assert_eq!(shown["servoir"]["inline_rows_max"], 5);
    api.deploy(&model, json!({"tuning": {"inlineRowsMax": 0}})).await.expect(200);
    assert_eq!(config(&api, "churn").await["servoir"]["inline_rows_max"], 0);
    let wrong = api.deploy(&model, json!({"tuning": {"engine": "guess"}})).await.expect(400);
    assert!(
        wrong.text.contains("/tuning/engine") && wrong.text.contains("trees, onnxruntime, tract"),
        "{}",
        wrong.text
    );
    server.stop().await;
}

#[tokio::test]
async fn files_of_trees_are_served_as_they_are() {
    let server = TestServer::start().await;
    let api = server.api();
    for (name, fixture, file) in [("xgb", "xgb_json", "model.json"), ("lgbm", "lgbm_text", "model.txt")] {
        let bytes = std::fs::read(servoir_tests::environment::fixtures().join(fixture).join(file)).expect(fixture);
        let model = api.serve(name, bytes).await;
        let described = api.get(&format!("/v2/models/{name}")).await.expect(200).json;
        let width = described["inputs"][0]["shape"][1].as_u64().expect("a width");
        let row: Vec<f64> = (0..width).map(|column| column as f64 / 8.0).collect();
        let answer = api.post(&format!("/v1/predict/{model}"), json!({"instances": [row, row]})).await.expect(200).json;
        let predictions = answer["predictions"].as_array().expect("predictions");
        assert!(predictions.len() == 2 && predictions[0] == predictions[1], "{answer}");
        // A missing value is the model's own business.
        let missing: Vec<Value> = (0..width).map(|_| Value::Null).collect();
        api.post(&format!("/v1/predict/{model}"), json!({"instances": [missing]})).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn instances_follow_the_load_within_their_bounds() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let model = api.create_model("churn").await;
    api.upload(&model, fixture.model.clone()).await.expect(201);
    let bounds = json!({"enabled": true, "minReplicas": 1, "maxReplicas": 3, "targetCpuUtilization": 50.0});
    let deployed = api.deploy(&model, json!({"autoscaling": bounds})).await.expect(200);
    assert_eq!(deployed.json["deployment"]["autoscaling"], bounds, "{}", deployed.text);
    let body = json!({"instances": Fixture::rows(&fixture.cases[0])});
    let instances = async || {
        let metrics = api.get("/metrics").await.expect(200).text;
        let line = metrics.lines().find(|line| line.starts_with("servoir_instances{")).expect("a series").to_owned();
        line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u32>().ok()).expect("a count")
    };
    // Looks are told how much time has passed: a nanosecond in which an instance was at work for longer, then hours of nothing.
    let (mut looks, mut now) = (Looks::default(), Instant::now());
    let mut seen = vec![instances().await];
    for _ in 0..3 {
        looks.look(server.app(), now).await;
        api.post("/v1/predict/churn", body.clone()).await.expect(200);
        now += Duration::from_nanos(1);
        seen.push(instances().await);
    }
    looks.look(server.app(), now).await;
    assert_eq!(instances().await, 3, "after {seen:?}");
    assert_eq!(seen[..2], [1, 1], "one look is none");
    for _ in 0..30 {
        now += Duration::from_secs(3600);
        looks.look(server.app(), now).await;
    }
    let fewer = async { while instances().await > 1 {} };
    tokio::time::timeout(Duration::from_secs(30), fewer).await.expect("two instances end");
    api.post("/v1/predict/churn", body).await.expect(200);
    server.stop().await;
}
