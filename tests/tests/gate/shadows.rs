//! Shadows: their answers are held against those that callers got.

use crate::world::{ask, versions};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// What is shown of a model's shadow once it has been held against so many requests.
async fn compared(api: &Api, model: &str, requests: u64) -> Value {
    let path = format!("{REGISTRY}/models/{model}/status");
    let asking = async {
        loop {
            let shadow = api.get(&path).await.expect(200).json["shadow"].clone();
            assert_eq!(shadow["unanswered"], 0, "{shadow}");
            if shadow["requests"] == requests {
                return shadow;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the shadow is compared")
}

/// The value of a counter of the model's version 2 with this outcome, or without any.
async fn counted(api: &Api, name: &str, outcome: Option<&str>) -> f64 {
    let text = api.get("/metrics").await.expect(200).text;
    let outcome = outcome.map(|outcome| format!("outcome=\"{outcome}\""));
    let is_it = |line: &&str| {
        line.starts_with(&format!("{name}{{"))
            && line.contains("model=\"m\"")
            && line.contains("version=\"2\"")
            && outcome.as_ref().is_none_or(|outcome| line.contains(outcome))
    };
    let line = text.lines().find(is_it).unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

/// The numbers of all outputs that are not labels, that a model gives for a case.
async fn scores(api: &Api, model: &str, case: &Value) -> Vec<f64> {
    let answer = api.post(&format!("/v2/models/{model}/infer"), Fixture::v2_body(case)).await.expect(200).json;
    let outputs = answer["outputs"].as_array().expect("outputs").iter();
    let scores = outputs.filter(|output| output["datatype"] == "FP32");
    scores.flat_map(|output| output["data"].as_array().expect("data").clone()).filter_map(|one| one.as_f64()).collect()
}

#[tokio::test]
async fn how_far_a_shadow_agrees_is_added_up() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
    api.serve("other", Fixture::read("xgb_binary_v2").model).await;
    let cases = Fixture::read("xgb_binary").cases;
    api.deploy(&model, json!({"version": 2, "strategy": "shadow"})).await.expect(200);
    let (mut count, mut apart) = (0, 0.0);
    for case in &cases {
        let (was, is) = (scores(&api, "m", case).await, scores(&api, "other", case).await);
        assert_eq!(was.len(), is.len());
        count += was.len();
        apart += was.iter().zip(&is).map(|(was, is)| (was - is).abs() / was.abs().max(is.abs()).max(1.0)).sum::<f64>();
    }
    let shadow = compared(&api, &model, cases.len() as u64).await;
    assert!(count > 0 && apart > 0.0, "the versions differ");
    assert_eq!((&shadow["version"], &shadow["failed"], &shadow["scores"]), (&json!(2), &json!(0), &json!(count)));
    assert_eq!((&shadow["reshaped"], &shadow["notFinite"]), (&json!(0), &json!(0)));
    let percent = shadow["scoresDifferPercent"].as_f64().expect("a number");
    assert!((percent - 100.0 * apart / count as f64).abs() < 1e-4, "{percent}");
    assert!(shadow["labels"].as_u64() > Some(0), "{shadow}");
    assert_eq!(counted(&api, "servoir_shadow_requests_total", Some("compared")).await, cases.len() as f64);
    assert_eq!(counted(&api, "servoir_shadow_scores_total", None).await, count as f64);
    assert!((counted(&api, "servoir_shadow_scores_apart_total", None).await - apart).abs() < 1e-4);
    // A swap ends the shadow, and what was found of it.
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let status = api.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200).json;
    assert_eq!((&status["version"], &status["shadow"]), (&json!(2), &Value::Null));
    assert!(!api.get("/metrics").await.expect(200).text.contains("servoir_shadow_requests_total{"));
    server.stop().await;
}

#[tokio::test]
async fn a_shadow_that_fails_harms_nobody_and_is_found_out() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    api.deploy(&model, json!({"version": 2, "strategy": "shadow"})).await.expect(200);
    for value in [-1.0, 1.0, -2.0, -3.0] {
        ask(&api, &model, &json!([value])).await.expect(200);
    }
    // What is addressed to a version is not copied.
    api.post(&format!("/v1/predict/{model}?version=1"), json!({"instances": [[1.0]]})).await.expect(200);
    let shadow = compared(&api, &model, 4).await;
    assert_eq!((&shadow["failed"], &shadow["scores"]), (&json!(3), &json!(1)));
    assert_eq!(counted(&api, "servoir_shadow_requests_total", Some("failed")).await, 3.0);
    server.stop().await;
}
