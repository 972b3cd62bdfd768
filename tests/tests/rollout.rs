//! A version beside the live one: a canary that takes its share, a shadow that sees copies.

use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;
use std::time::Duration;

async fn two_versions(api: &Api) -> (String, Value) {
    let first = Fixture::read("xgb_binary");
    let body = json!({"instances": [Fixture::rows(&first.cases[0])[0]]});
    let model = api.serve("churn", first.model).await;
    api.upload(&model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    (model, body)
}

async fn answered_by(api: &Api, path: &str, body: &Value) -> u64 {
    let answer = api.post(path, body.clone()).await.expect(200);
    answer.json["version"].as_u64().expect("a version")
}

#[tokio::test]
async fn a_canary_takes_its_share_and_ends_with_the_swap() {
    let server = TestServer::start().await;
    let api = server.api();
    let (model, body) = two_versions(&api).await;
    let path = format!("/v1/predict/{model}");
    let canary = json!({"version": 2, "strategy": {"canary": {"percent": 25}}});
    let answer = api.deploy(&model, canary).await.expect(200);
    let shown = &answer.json["deployment"];
    assert_eq!(
        (&shown["version"], &shown["canary"]["version"], &shown["canary"]["percent"]),
        (&json!(1), &json!(2), &json!(25))
    );
    let mut by_canary = 0;
    for _ in 0..200 {
        by_canary += u64::from(answered_by(&api, &path, &body).await == 2);
    }
    assert_eq!(by_canary, 50, "of 200 requests in a row");
    assert_eq!(answered_by(&api, &format!("{path}?version=2"), &body).await, 2);
    assert_eq!(answered_by(&api, &format!("{path}?version=1"), &body).await, 1);
    // A version that takes requests cannot go.
    let refused = api.delete(&format!("{REGISTRY}/models/{model}/versions/2")).await.expect(409);
    assert_eq!(refused.code(), "version-deployed");
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    for _ in 0..20 {
        assert_eq!(answered_by(&api, &path, &body).await, 2);
    }
    api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200);
    assert_eq!(answered_by(&api, &path, &body).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_shadow_works_and_answers_nobody() {
    let server = TestServer::start().await;
    let api = server.api();
    let (model, body) = two_versions(&api).await;
    let path = format!("/v1/predict/{model}");
    let answer = api.deploy(&model, json!({"version": 2, "strategy": "shadow"})).await.expect(200);
    assert_eq!(answer.json["deployment"]["shadow"]["version"], 2, "{}", answer.text);
    let worked = async {
        loop {
            assert_eq!(answered_by(&api, &path, &body).await, 1);
            let metrics = api.get("/metrics").await.expect(200).text;
            let shadow = metrics.lines().find(|line| {
                line.starts_with("servoir_instance_busy_seconds_total{")
                    && line.contains("version=\"2\"")
                    && !line.ends_with(" 0")
            });
            if shadow.is_some() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), worked).await.expect("the shadow computes");
    api.post(&format!("{path}?version=2"), body.clone()).await.expect(404);
    server.stop().await;
}
