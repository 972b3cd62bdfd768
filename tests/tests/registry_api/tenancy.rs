//! Organizations do not see one another.

use super::{model, models, on_both_with};
use jsonwebtoken::{EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_types::{Secret, Timestamp};

const SECRET: &str = "a secret of the tests, of more than 32 bytes";

async fn as_other(api: &Api, method: Method, path: &str, body: Option<Value>) -> Answer {
    let expiry = Timestamp::now().plus_seconds(600).as_millis() / 1000;
    let scopes = servoir::auth::scope::ALL.join(" ");
    let claims = json!({"sub": "eve", "org": "others", "scope": scopes, "exp": expiry});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = encode(&Header::default(), &claims, &key).expect("a token");
    let request = api.with_key(None).request(method, path).header("authorization", format!("Bearer {token}"));
    api.send(if let Some(body) = body { request.json(&body) } else { request }).await
}

#[tokio::test]
async fn another_organization_s_objects_are_not_found() {
    let with_tokens = |config: &mut servoir::config::Config| config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
    on_both_with(with_tokens, async |server| {
        let api = server.api();
        let id = api.serve("churn", Fixture::read("xgb_binary").model).await;
        let version = api.get(&format!("{}/versions/1", model(&id))).await.expect(200).json;
        let own = model(&id);
        let calls = [
            (Method::GET, own.clone(), None),
            (Method::GET, model("churn"), None),
            (Method::PUT, own.clone(), Some(json!({"description": "mine"}))),
            (Method::DELETE, own.clone(), None),
            (Method::POST, format!("{own}/deploy"), Some(json!({}))),
            (Method::POST, format!("{own}/rollback"), Some(json!({}))),
            (Method::POST, format!("{own}/undeploy"), Some(json!({}))),
            (Method::POST, format!("{own}/archive"), Some(json!({}))),
            (Method::GET, format!("{own}/status"), None),
            (Method::GET, format!("{own}/versions"), None),
            (Method::GET, format!("{own}/versions/1"), None),
            (Method::GET, format!("{own}/versions/1/artifact"), None),
            (Method::DELETE, format!("{own}/versions/1"), None),
            (Method::POST, format!("{own}/predict"), Some(json!({"instances": [vec![0.5; 30]]}))),
        ];
        for (method, path, body) in calls {
            let answer = as_other(&api, method.clone(), &path, body).await;
            let code = if path.ends_with("/predict") { "model-not-found" } else { "not-found" };
            assert_eq!((answer.status.as_u16(), answer.code()), (404, code), "{method} {path}: {}", answer.text);
        }
        assert_eq!(as_other(&api, Method::GET, &models(), None).await.expect(200).json["count"], 0);
        // A name is unique in its organization, not over all of them.
        let body = json!({"name": "churn", "framework": "onnx"});
        let theirs = as_other(&api, Method::POST, &models(), Some(body)).await.expect(201).json;
        let theirs = model(theirs["id"].as_str().expect("an id"));
        // Knowing a digest does not give the bytes away.
        let import = json!({"artifactUri": version["artifactUri"]});
        as_other(&api, Method::POST, &format!("{theirs}/versions"), Some(import)).await.expect(422);
        assert_eq!(api.get(&own).await.expect(200).json["status"], "deployed", "all of this changed nothing");
    })
    .await;
}
