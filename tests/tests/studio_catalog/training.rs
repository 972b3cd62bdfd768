//! What must wait while a model is trained.

use crate::{make, model};
use reqwest::Method;
use serde_json::json;
use servoir_tests::api::REGISTRY;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn a_model_that_is_trained_is_left_alone() {
    let server = TestServer::start().await;
    let api = server.api();
    let id = make(&api, "churn").await;
    server
        .sql(format!(
            "insert into runs (id, model, external, status, priority, timeout_seconds, config, last_frame, details, \
             created_by, created_at) values ('run_1', '{id}', 1, 'running', 1, 60, '{{}}', 0, '{{}}', 'ada', 1)"
        ))
        .await;
    assert_eq!(api.get(&model(&id)).await.expect(200).json["status"], "training");
    for (method, path) in [
        (Method::PATCH, model(&id)),
        (Method::PUT, format!("{}/config", model(&id))),
        (Method::POST, format!("{}/archive", model(&id))),
        (Method::DELETE, model(&id)),
        (Method::DELETE, format!("{REGISTRY}/models/{id}")),
    ] {
        let refused = api.send(api.request(method.clone(), &path).json(&json!({}))).await.expect(409);
        assert_eq!(refused.code(), "run-in-progress", "{method} {path}");
    }
    api.patch(&format!("{}/settings", model(&id)), json!({"display": {"color": "red"}})).await.expect(200);
    let stats = api.get("/api/v1/models/dashboard/stats").await.expect(200).json;
    assert_eq!(stats["status_breakdown"]["training"], 1);
    api.delete(&format!("{}?force=true", model(&id))).await.expect(204);
    api.get(&model(&id)).await.expect(404);
    server.stop().await;
}
