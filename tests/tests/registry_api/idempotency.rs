//! `Idempotency-Key`: repeats, races and misuse.

use super::{model, models, on_both, pointers};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;

const KEYS: &str = "/api/v1/auth/api-keys";

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> Answer {
    api.send(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

fn named(name: &str) -> Value {
    json!({"name": name, "framework": "onnx"})
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    on_both(async |server| {
        let api = server.api();
        let first = post(&api, &models(), "one", &named("churn")).await.expect(201);
        assert_eq!(first.header("idempotent-replayed"), "");
        let repeat = post(&api, &models(), "one", &named("churn")).await.expect(201);
        assert_eq!(repeat.header("idempotent-replayed"), "true");
        assert_eq!(repeat.text, first.text);
        for name in ["location", "etag", "content-type"] {
            assert_eq!(repeat.header(name), first.header(name), "{name}");
        }
        assert_ne!(repeat.header("x-request-id"), first.header("x-request-id"), "each request has its own id");
        // A refusal is an answer too.
        let refused = post(&api, &models(), "two", &named("a/b")).await.expect(400);
        let again = post(&api, &models(), "two", &named("a/b")).await.expect(400);
        assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &refused.text));
        assert_eq!(again.header("content-type"), "application/problem+json");
        assert_eq!(pointers(&again.json), ["/name"]);
        assert_eq!(api.get(&models()).await.expect(200).json["count"], 1);
    })
    .await;
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    on_both(async |server| {
        let api = server.api();
        post(&api, &models(), "one", &named("churn")).await.expect(201);
        let elsewhere = format!("{}/archive", model("churn"));
        for (path, body) in
            [(models(), named("other")), (elsewhere, named("churn")), (format!("{}?", models()), json!({}))]
        {
            let refused = post(&api, &path, "one", &body).await.expect(422);
            assert_eq!(refused.code(), "idempotency-key-reused", "{path}");
        }
        let scopes = json!({"name": "writer", "scopes": ["model-registry:write"]});
        let writer = api.post(KEYS, scopes).await.expect(201).json;
        let writer = api.with_key(writer["key"].as_str());
        post(&writer, &models(), "one", &named("other")).await.expect(201);
        for bad in ["", "two words", &"k".repeat(256)] {
            let refused = post(&api, &models(), bad, &named("third")).await.expect(400);
            assert_eq!(refused.code(), "idempotency-key-malformed", "{bad:?}");
        }
        // Without a credential nothing is kept and nothing is told.
        let nobody = post(&api.with_key(None), &models(), "one", &named("churn")).await.expect(401);
        assert_eq!(nobody.header("idempotent-replayed"), "");
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_one_does_the_work() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let path = format!("{}/versions", model(&id));
        api.upload(&id, Fixture::read("xgb_binary").model).await.expect(201);
        let body = json!({"artifactUri": api.get(&format!("{path}/1")).await.expect(200).json["artifactUri"]});
        let answers = futures_util::future::join_all((0..12).map(|_| post(&api, &path, "race", &body))).await;
        let mut done = 0;
        for answer in &answers {
            match answer.status.as_u16() {
                201 => done += 1,
                409 => {
                    assert_eq!((answer.code(), answer.header("retry-after")), ("idempotency-in-progress", "1"));
                }
                other => panic!("{other}: {}", answer.text),
            }
        }
        assert!(done >= 1);
        assert_eq!(post(&api, &path, "race", &body).await.expect(201).header("idempotent-replayed"), "true");
        assert_eq!(api.get(&path).await.expect(200).json["count"], 2, "one version came of all of them");
    })
    .await;
}

#[tokio::test]
async fn uploads_and_deployments_are_repeated_safely() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let artifact = Fixture::read("xgb_binary").model;
        let upload = async || {
            let request = api.upload_request(&id, artifact.clone()).header("idempotency-key", "upload");
            api.send(request).await.expect(201)
        };
        let (first, repeat) = (upload().await, upload().await);
        assert_eq!((first.text, repeat.header("idempotent-replayed")), (repeat.text.clone(), "true"));
        let deploy = format!("{}/deploy", model(&id));
        let first = post(&api, &deploy, "deploy", &json!({})).await.expect(200);
        let repeat = post(&api, &deploy, "deploy", &json!({})).await.expect(200);
        assert_eq!((first.text, repeat.header("idempotent-replayed")), (repeat.text.clone(), "true"));
        let refused = post(&api, &format!("{}/rollback", model(&id)), "back", &json!({})).await.expect(409);
        assert_eq!(refused.code(), "nothing-to-roll-back", "one deployment came of the two requests");
    })
    .await;
}

#[tokio::test]
async fn a_repeat_does_not_show_a_key_again() {
    on_both(async |server| {
        let api = server.api();
        let body = json!({"name": "reader", "scopes": ["model-registry:read"]});
        let first = post(&api, KEYS, "key", &body).await.expect(201).json;
        let repeat = post(&api, KEYS, "key", &body).await.expect(201).json;
        assert_eq!((&repeat["id"], &repeat["key"]), (&first["id"], &Value::Null));
        assert!(first["key"].is_string());
        assert_eq!(api.get(KEYS).await.expect(200).json["count"], 2, "the bootstrap key and one more");
    })
    .await;
}
