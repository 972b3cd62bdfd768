//! What is left of the registry, and whose the models are.

use crate::{Models, ask, row};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::REGISTRY;
use servoir_tests::server::{Database, TestServer};
use servoir_types::Secret;

const SCOPES: &str = "inference:invoke model-registry:write";
const SECRET: &str = "a-secret-of-the-tests-that-is-long-enough";

#[tokio::test]
async fn models_are_not_managed_and_keys_are() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let server = models.serve().await;
    let api = server.api();
    let refused = [
        (Method::GET, "/models"),
        (Method::POST, "/models"),
        (Method::GET, "/models/churn"),
        (Method::POST, "/models/churn/deploy"),
        (Method::GET, "/models/churn/status"),
        (Method::POST, "/models/churn/predict"),
    ];
    for (method, path) in refused {
        let path = format!("{REGISTRY}{path}");
        let answer = api.send(api.request(method.clone(), &path).json(&json!({}))).await.expect(409);
        assert_eq!(answer.code(), "models-directory", "{path}: {}", answer.text);
        assert!(answer.text.contains(&models.path().display().to_string()), "{}", answer.text);
        let stranger = api.with_key(None);
        stranger.send(stranger.request(method, &path).json(&json!({}))).await.expect(401);
    }
    let made =
        api.post("/api/v1/auth/api-keys", json!({"name": "k", "scopes": ["inference:invoke"]})).await.expect(201);
    let caller = api.with_key(made.json["key"].as_str());
    caller.post("/v1/predict/churn", row()).await.expect(200);
    ask(&caller, "churn", "unload").await.expect(403);
    for path in ["/api/v1/auth/whoami", "/metrics", "/livez", "/readyz", "/v2/health/ready"] {
        api.get(path).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn models_belong_to_the_organization_of_the_first_key() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let dir = models.path().to_owned();
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.models.dir = Some(dir);
        config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
    })
    .await;
    let token = |organization: &str| {
        let claims = json!({"sub": "s", "org": organization, "scope": SCOPES, "exp": get_current_timestamp() + 600});
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
    };
    let post = async |organization: &str, path: &str, body: Value| {
        let api = server.api().with_key(None);
        let request = api.request(Method::POST, path).bearer_auth(token(organization)).json(&body);
        api.send(request).await.status.as_u16()
    };
    for path in ["/v2/repository/models/churn/load", "/v2/repository/models/churn/unload"] {
        assert_eq!(post("another", path, json!({})).await, 404, "{path}");
    }
    assert_eq!(post("another", "/v1/predict/churn", row()).await, 404);
    assert_eq!(post("default", "/v1/predict/churn", row()).await, 200);
    server.stop().await;
}
