//! What is not counted: tests, what callers keep out, what was refused, and requests that the sampling passes over.

use crate::node::{Node, buckets, put_settings, window};
use crate::protocols::{infer, message};
use crate::rows::{Asked, Rows};
use serde_json::json;
use servoir_codec::grpc::proto::InferParameter;
use servoir_codec::grpc::proto::infer_parameter::ParameterChoice;
use servoir_monitor::Faults;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn tests_and_refused_requests_are_no_rows() {
    let data = TempDir::new().expect("a temporary folder");
    let node = Node::start(data.path(), |_| {}).await;
    let rows = Rows::read();
    let model = node.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
    let some = rows.take(0, 3);
    let mut asked = Asked::default();
    for fields in [json!({"source": "test"}), json!({"logPrediction": false}), json!({"logPrediction": true})] {
        let mut body = Asked::body(&some);
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let answer = node.api.post("/v1/predict/m", body).await;
        if fields["logPrediction"] == true {
            asked.note_v1(&some, &answer);
        }
    }
    let tensor = json!({"name": "input", "shape": [3, 30], "datatype": "FP32", "data": some.concat()});
    let body = json!({"inputs": [tensor], "parameters": {"source": "test"}});
    node.api.post("/v2/models/m/infer", body).await.expect(200);
    let test = InferParameter { parameter_choice: Some(ParameterChoice::StringParam("test".into())) };
    let mut of_grpc = message(&some);
    of_grpc.parameters.insert("source".into(), test);
    infer(&node.api, of_grpc).await;

    let mut row = serde_json::Map::new();
    for (column, value) in rows.baseline.features.iter().zip(&some[0]) {
        row.insert(column.name.clone(), json!(value));
    }
    let with = |name: &str, value: serde_json::Value| {
        let mut row = row.clone();
        row.insert(name.to_owned(), value);
        json!({ "instances": [row] })
    };
    let mut short = row.clone();
    short.retain(|name, _| !name.starts_with("mean"));
    for (body, code) in [
        (with("mean radius", json!("wide")), "wrong-value"),
        (with("mean radius", json!(null)), "wrong-value"),
        (with("height", json!(1)), "unknown-feature"),
        (json!({ "instances": [short] }), "missing-feature"),
    ] {
        let refused = node.api.post("/v1/predict/m", body).await.expect(422);
        assert_eq!(refused.code(), code, "{}", refused.text);
    }
    let database = node.database.clone();
    node.stop().await;
    let window = window(&database, &model).await;
    let counts = window.counts.as_ref().expect("counts");
    asked.assert_counted(&rows.baseline, counts);
    assert_eq!(counts.faults, Faults { wrong_type: 1, missing: 1 + 10, extra: 1 });
    assert_eq!((window.traffic.requests(), window.traffic.failed()), (9, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_say_what_is_counted() {
    const REQUESTS: u64 = 400;
    let rows = Rows::read();
    // Of 400 draws at 0.25 less than one in a million is farther than 5 standard deviations, 43, from 100.
    for (settings, counted, features) in [
        (json!({"sampleRate": 0.25}), 57..=143, true),
        (json!({"sampleRate": 0}), 0..=0, true),
        (json!({"recordInputs": false}), REQUESTS..=REQUESTS, false),
        (json!({"sampleRate": 1, "recordInputs": true}), REQUESTS..=REQUESTS, true),
    ] {
        let data = TempDir::new().expect("a temporary folder");
        let node = Node::start(data.path(), |_| {}).await;
        let model = node.api.create_model("m").await;
        put_settings(&node.database, &model, &settings).await;
        node.api.upload(&model, rows.artifact.clone()).await.expect(201);
        crate::node::put_baseline(&node.database, &model, "baseline_first", &rows.baseline).await;
        node.api.deploy(&model, json!({})).await.expect(200);
        let body = Asked::body(&rows.take(0, 1));
        for _ in 0..REQUESTS {
            node.api.post("/v1/predict/m", body.clone()).await.expect(200);
        }
        let database = node.database.clone();
        node.stop().await;
        let window = window(&database, &model).await;
        let counts = window.counts.unwrap_or_default();
        assert!(counted.contains(&counts.rows), "{settings}: {}", counts.rows);
        assert_eq!(window.traffic.requests(), REQUESTS, "{settings}");
        let of_features: u64 = counts.features.iter().map(servoir_monitor::ColumnCounts::count).sum();
        assert_eq!(of_features, if features { 30 * counts.rows } else { 0 }, "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_without_a_baseline_has_requests_and_latencies() {
    let data = TempDir::new().expect("a temporary folder");
    let node = Node::start(data.path(), |_| {}).await;
    let rows = Rows::read();
    let model = node.serve("m", rows.artifact.clone(), None).await;
    for _ in 0..3 {
        node.api.post("/v1/predict/m", Asked::body(&rows.take(0, 5))).await.expect(200);
    }
    node.api.post("/v1/predict/m", json!({"instances": [["a"]]})).await.expect(422);
    let database = node.database.clone();
    node.stop().await;
    let kept = buckets(&database, &model).await;
    assert!(kept.iter().all(|row| row.baseline.is_empty() && row.counts.is_empty()));
    assert_eq!(kept.iter().map(|row| row.counted_rows).sum::<i64>(), 15);
    let window = window(&database, &model).await;
    assert_eq!((window.traffic.requests(), window.traffic.failed(), window.rows()), (4, 1, 15));
}
