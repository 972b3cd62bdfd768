//! Versions that answer what was asked lately otherwise.

use crate::world::{ask, audit, deployment, series, versions};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect()
}

async fn refused(api: &Api, body: Value, model: &str) -> Value {
    let answer = api.deploy(model, body).await.expect(409);
    assert_eq!(answer.code(), "swap-refused", "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_version_that_fails_on_what_was_asked_does_not_go_live() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.swap.requests_max = 8).await;
    let api = server.api();
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    for row in [json!([1.0]), json!([-1.0]), json!([2.0])] {
        ask(&api, &model, &row).await.expect(200);
    }
    // What is kept out of monitoring is kept out of this.
    let test = json!({"instances": [[-2.0]], "source": "test"});
    api.post(&format!("/v1/predict/{model}"), test).await.expect(200);
    for body in [json!({"version": 2}), json!({"version": 2, "strategy": {"canary": {"percent": 10}}})] {
        let report = refused(&api, body, &model).await;
        assert_eq!(pointers(&report), ["/requests"]);
        let detail = report["errors"][0]["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("failed on 1 of 3 recorded requests: "), "{detail}");
    }
    assert_eq!(deployment(&api, &model).await["version"], 1);
    assert_eq!(series(&api, "servoir_swaps_refused_total{reason=\"requests\"}").await, Some(2.0));
    assert_eq!(audit(&api, &model, "model.deployed").await.len(), 1);
    // Asking again is not counted as traffic.
    let stats = api.get(&format!("/v2/models/{model}/stats")).await.expect(200).json;
    assert_eq!(stats["model_stats"][0]["inference_stats"]["success"]["count"], 4);
    api.deploy(&model, json!({"version": 2, "force": true})).await.expect(200);
    // Going back is not held up.
    api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn scores_that_are_too_far_apart_are_refused_where_that_is_limited() {
    let change = |config: &mut servoir::config::Config| {
        config.swap.requests_max = 8;
        config.swap.scores_differ_percent_max = 0;
    };
    let server = TestServer::start_with(Database::Sqlite, change).await;
    let api = server.api();
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2", "xgb_binary"]).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let row = json!(Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0]);
    ask(&api, &model, &row).await.expect(200);
    let report = refused(&api, json!({"version": 3}), &model).await;
    assert_eq!(pointers(&report), ["/requests/scores"]);
    assert_eq!(deployment(&api, &model).await["version"], 2);
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_kept_when_nobody_wants_that() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    ask(&api, &model, &json!([-1.0])).await.expect(200);
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    server.stop().await;
}
