//! The model repository extension: what is there, brought up and taken down.

use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

/// The index as lines of name, version, state and reason.
async fn index(api: &Api, body: Option<Value>) -> Vec<String> {
    let request = api.request(Method::POST, "/v2/repository/index");
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let listed = api.send(request).await.expect(200).json;
    let word = |entry: &Value, key: &str| entry[key].as_str().expect("a text").to_owned();
    let line = |entry| ["name", "version", "state", "reason"].map(|key| word(entry, key)).join("|");
    listed.as_array().expect("a list").iter().map(line).collect()
}

#[tokio::test]
async fn models_are_listed_loaded_and_unloaded() {
    let server = TestServer::start().await;
    let api = server.api();
    assert_eq!(index(&api, None).await, Vec::<String>::new());
    api.create_model("empty").await;
    let churn = api.create_model("churn").await;
    api.upload(&churn, Fixture::read("xgb_binary").model).await.expect(201);
    let unloaded = ["churn|1|UNAVAILABLE|the model is not deployed", "empty||UNAVAILABLE|the model has no version"];
    assert_eq!(index(&api, Some(json!({}))).await, unloaded);

    let change = |what: &str, body: Value| {
        let (api, path) = (api.clone(), format!("/v2/repository/models/{what}"));
        async move { api.post(&path, body).await }
    };
    let loaded = ["churn|1|READY|", "empty||UNAVAILABLE|the model has no version"];
    for _ in 0..2 {
        let answer = change("churn/load", json!({})).await.expect(200);
        assert_eq!(answer.json, json!({}));
        assert_eq!(index(&api, None).await, loaded);
    }
    let generation = api.get("/v2/models/churn/stats").await.expect(200).json;
    assert_eq!(index(&api, Some(json!({"ready": true}))).await, loaded[..1]);

    // A newer version is taken, with the settings of the one before.
    api.deploy(&churn, json!({"batching": {"maxBatchSize": 7}})).await.expect(200);
    api.upload(&churn, Fixture::read("xgb_binary_v2").model).await.expect(201);
    change("churn/load", json!({})).await.expect(200);
    let config = api.get("/v2/models/churn/versions/2/config").await.expect(200).json;
    assert_eq!(config["dynamic_batching"]["preferred_batch_size"], json!([7]), "{generation}");

    for _ in 0..2 {
        change("churn/unload", json!({"parameters": {"unload_dependents": true}})).await.expect(200);
        assert_eq!(index(&api, None).await[0], "churn|2|UNAVAILABLE|the model is not deployed");
    }
    api.get("/v2/models/churn/ready").await.expect(404);

    let refused: [(&str, Value, u16, &str); 7] = [
        ("nope/load", json!({}), 404, "nope"),
        ("nope/unload", json!({}), 404, "nope"),
        ("empty/load", json!({}), 409, "no version that is ready"),
        ("churn/load", json!({"parameters": {"config": "{}"}}), 400, "parameters.config"),
        ("churn/load", json!({"parameters": {"file:1/model.onnx": "AAAA"}}), 400, "parameters.file:1/model.onnx"),
        ("churn/load", json!({"version": 1}), 400, "version"),
        ("churn/load", json!([]), 400, "object"),
    ];
    for (what, body, status, says) in refused {
        let answer = change(what, body).await.expect(status);
        assert!(answer.json["error"].as_str().is_some_and(|error| error.contains(says)), "{what}: {}", answer.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_index_shows_what_its_caller_may_see() {
    let server = TestServer::start().await;
    let api = server.api();
    api.create_model("silent").await;
    api.serve("churn", Fixture::read("xgb_binary").model).await;
    let key = api.post("/api/v1/auth/api-keys", json!({"name": "caller", "scopes": ["inference:invoke"]})).await;
    let caller = api.with_key(key.expect(201).json["key"].as_str());
    assert_eq!(index(&caller, None).await, ["churn|1|READY|"]);
    let denied = caller.post("/v2/repository/models/churn/unload", json!({})).await.expect(403);
    assert!(denied.text.contains("model-registry:write"), "{}", denied.text);
    let denied = caller.post("/v2/logging", json!({})).await.expect(403);
    assert!(denied.text.contains("auth:admin"), "{}", denied.text);
    server.stop().await;
}
