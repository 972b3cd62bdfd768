//! Versions that would break who calls what is live.

use crate::world::{audit, deployment, series, versions};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, REGISTRY};
use servoir_tests::server::TestServer;

fn errors(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let errors = answer.json["errors"].as_array().expect("errors");
    errors.iter().map(|error| (text(&error["pointer"]), text(&error["detail"]))).collect()
}

#[tokio::test]
async fn changes_that_break_callers_are_named_and_refused_on_every_way_in() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = versions(&api, "echo", &["echo_FP32", "echo_FP64"]).await;
    let named = ["inputs/input", "outputs/output"]
        .map(|field| (format!("/signature/{field}"), "was FP32 [-1, 3], is FP64 [-1, 3]".to_owned()));
    let (registry, studio) = (format!("{REGISTRY}/models/{model}"), format!("/api/v1/models/{model}"));
    let ways = [
        (format!("{registry}/deploy"), json!({"version": 2})),
        (format!("{registry}/deploy"), json!({"version": 2, "force": false})),
        (format!("{registry}/deploy"), json!({"version": 2, "strategy": {"canary": {"percent": 5}}})),
        (format!("{studio}/deploy"), json!({"version_id": "2"})),
        (format!("{studio}/versions/2/promote"), json!({})),
    ];
    for (path, body) in &ways {
        let refused = api.post(path, body.clone()).await.expect(409);
        assert_eq!(refused.code(), "swap-refused", "{path} {body}");
        assert_eq!(errors(&refused), named, "{path} {body}");
        let detail = refused.json["detail"].as_str().expect("a detail");
        assert!(
            detail.starts_with("version 2 would break who calls version 1, which is live: input 'input': was FP32")
        );
    }
    let loaded = api.post("/v2/repository/models/echo/load", json!({})).await.expect(409);
    assert!(
        loaded.json["error"].as_str().is_some_and(|error| error.contains("input 'input': was FP32")),
        "{}",
        loaded.text
    );
    assert_eq!(deployment(&api, &model).await["version"], 1, "what is live stays");
    let body = json!({"instances": [[1.0, 2.0, 3.0]]});
    assert_eq!(api.post(&format!("/v1/predict/{model}"), body.clone()).await.expect(200).json["version"], 1);
    assert_eq!(series(&api, "servoir_swaps_refused_total{reason=\"signature\"}").await, Some(6.0));
    assert_eq!(series(&api, "servoir_swaps_total{outcome=\"refused\"}").await, Some(6.0));
    assert_eq!(audit(&api, &model, "model.deployed").await.len(), 1);
    // A shadow answers nobody.
    api.deploy(&model, json!({"version": 2, "strategy": "shadow"})).await.expect(200);

    api.deploy(&model, json!({"version": 2, "force": true})).await.expect(200);
    assert_eq!(api.post(&format!("/v1/predict/{model}"), body.clone()).await.expect(200).json["version"], 2);
    let entry = &audit(&api, &model, "model.deployed").await[0];
    let change =
        |side: &str, name: &str| json!({"side": side, "name": name, "was": "FP32 [-1, 3]", "is": "FP64 [-1, 3]"});
    assert_eq!(entry["after"]["forced"], json!([change("input", "input"), change("output", "output")]));

    let refused = api.post(&format!("{registry}/rollback"), json!({})).await.expect(409);
    assert_eq!((refused.code(), errors(&refused).len()), ("swap-refused", 2));
    api.post(&format!("{studio}/rollback"), json!({})).await.expect(409);
    api.post(&format!("{studio}/rollback"), json!({"force": true})).await.expect(200);
    assert_eq!(api.post(&format!("/v1/predict/{model}"), body.clone()).await.expect(200).json["version"], 1);
    api.post(&format!("{studio}/versions/2/promote"), json!({"force": true})).await.expect(200);
    assert_eq!(api.post(&format!("/v1/predict/{model}"), body).await.expect(200).json["version"], 2);
    let promoted = &audit(&api, &model, "model.version_promoted").await[0];
    assert_eq!(promoted["after"]["forced"][0]["name"], "input");
    assert_eq!(series(&api, "servoir_rollbacks_total{cause=\"asked\"}").await, Some(1.0));
    server.stop().await;
}

#[tokio::test]
async fn inputs_that_come_go_and_shrink_are_named() {
    let server = TestServer::start().await;
    let api = server.api();
    let cases: [(&str, &str, &[(&str, &str)]); 3] = [
        (
            "two_inputs_add",
            "echo_FP32",
            &[
                ("/signature/inputs/a", "was FP32 [-1, 4], is not there"),
                ("/signature/inputs/b", "was FP32 [-1, 4], is not there"),
                ("/signature/outputs/sum", "was FP32 [-1, 4], is not there"),
                ("/signature/inputs/input", "was not there, is required, FP32 [-1, 3]"),
            ],
        ),
        (
            "slow",
            "fixed_batch",
            &[
                ("/signature/inputs/x", "was FP32 [-1, 1], is FP32 [4, 2]"),
                ("/signature/outputs/y", "was FP32 [-1, 1], is FP32 [4, 2]"),
            ],
        ),
        ("xgb_binary", "xgb_binary_v2", &[]),
    ];
    for (before, after, expected) in cases {
        let model = versions(&api, before, &[before, after]).await;
        let answer = api.deploy(&model, json!({"version": 2})).await;
        if expected.is_empty() {
            answer.expect(200);
            continue;
        }
        let found = errors(&answer.expect(409));
        let expected: Vec<_> = expected.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
        assert_eq!(found, expected, "{before} to {after}");
    }
    server.stop().await;
}
