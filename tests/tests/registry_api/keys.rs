//! API keys and the caller's own identity.

use super::{column, keys_of, models, on_both, pointers};
use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::collections::BTreeSet;

const KEYS: &str = "/api/v1/auth/api-keys";

async fn make(api: &Api, name: &str, scopes: &[&str]) -> Value {
    api.post(KEYS, json!({"name": name, "scopes": scopes})).await.expect(201).json
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[tokio::test]
async fn a_key_is_made_used_listed_and_revoked() {
    on_both(async |server| {
        let api = server.api();
        let made = api.post(KEYS, json!({"name": "reader", "scopes": ["model-registry:read"], "expiresInDays": 30}));
        let made = made.await.expect(201);
        let fields = ["id", "key", "name", "keyPrefix", "scopes", "expiresAt", "createdAt"];
        assert_eq!(keys_of(&made.json), BTreeSet::from(fields));
        let (id, key) = (text(&made.json["id"]), text(&made.json["key"]));
        assert_eq!(made.header("location"), format!("{KEYS}/{id}"));
        assert!(key.starts_with(text(&made.json["keyPrefix"])) && key.len() >= 32);
        let reader = api.with_key(Some(key));
        reader.get(&models()).await.expect(200);
        let refused = reader.post(&models(), json!({"name": "x", "framework": "onnx"})).await.expect(403);
        assert_eq!(refused.code(), "scope-required");
        assert!(refused.text.contains("model-registry:write"), "{}", refused.text);

        let shown = api.get(&format!("{KEYS}/{id}")).await.expect(200);
        let fields = [
            "id",
            "name",
            "keyPrefix",
            "scopes",
            "status",
            "createdBy",
            "createdAt",
            "expiresAt",
            "revokedAt",
            "lastUsedAt",
        ];
        assert_eq!(keys_of(&shown.json), BTreeSet::from(fields));
        assert_eq!((&shown.json["status"], &shown.json["revokedAt"]), (&json!("active"), &Value::Null));
        let list = api.get(KEYS).await.expect(200);
        assert_eq!((&list.json["count"], &list.json["limit"]), (&json!(2), &json!(20)));
        for answer in [&shown, &list] {
            assert!(!answer.text.contains(key) && !answer.text.contains(BOOTSTRAP_KEY), "a key is never shown again");
        }
        api.delete(&format!("{KEYS}/{id}")).await.expect(204);
        assert_eq!(reader.get(&models()).await.expect(401).code(), "api-key-invalid");
        api.delete(&format!("{KEYS}/{id}")).await.expect(204);
        let revoked = api.get(&format!("{KEYS}/{id}")).await.expect(200).json;
        assert_eq!(revoked["status"], "revoked");
        assert!(revoked["revokedAt"].is_string());
        for (query, count) in [("?status=active", 1), ("?status=revoked", 1), ("?status=expired", 0), ("?limit=1", 2)] {
            assert_eq!(api.get(&format!("{KEYS}{query}")).await.expect(200).json["count"], count, "{query}");
        }
        let named = column(&api.get(&format!("{KEYS}?status=revoked")).await.expect(200).json["apiKeys"], "name");
        assert_eq!(named, ["reader"]);
        api.get(&format!("{KEYS}?status=gone")).await.expect(400);
        api.get(&format!("{KEYS}/key_nope")).await.expect(404);
        api.delete(&format!("{KEYS}/key_nope")).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn nobody_grants_more_than_they_have() {
    on_both(async |server| {
        let api = server.api();
        let admin = make(&api, "admin", &["auth:admin", "audit:read"]).await;
        let admin = api.with_key(Some(text(&admin["key"])));
        let exceeding = admin.post(KEYS, json!({"name": "x", "scopes": ["audit:read", "studio:write"]})).await;
        let exceeding = exceeding.expect(403);
        assert_eq!(exceeding.code(), "scope-exceeded");
        assert!(exceeding.text.contains("studio:write") && !exceeding.text.contains("audit:read"));
        make(&admin, "smaller", &["audit:read"]).await;
        let wrong = json!({"name": "", "scopes": ["*", "model-registry:admin"], "expiresInDays": 0});
        let wrong = api.post(KEYS, wrong).await.expect(400);
        assert_eq!(pointers(&wrong.json), ["/name", "/scopes/0", "/scopes/1", "/expiresInDays"]);
        api.post(KEYS, json!({"name": "x", "scopes": []})).await.expect(400);
        api.post(KEYS, json!({"name": "x"})).await.expect(400);
    })
    .await;
}

#[tokio::test]
async fn a_caller_learns_who_it_is_and_may_end_itself() {
    on_both(async |server| {
        let api = server.api();
        let me = api.get("/api/v1/auth/whoami").await.expect(200).json;
        assert_eq!(keys_of(&me), BTreeSet::from(["subject", "organizationId", "scopes", "credential"]));
        let expected = (&json!("default"), &json!(["*"]), &json!("api-key"));
        assert_eq!((&me["organizationId"], &me["scopes"], &me["credential"]), expected);
        let made = make(&api, "admin", &["auth:admin"]).await;
        let admin = api.with_key(Some(text(&made["key"])));
        let me = admin.get("/api/v1/auth/whoami").await.expect(200).json;
        assert_eq!((&me["subject"], &me["scopes"]), (&made["id"], &json!(["auth:admin"])));
        admin.delete(&format!("{KEYS}/{}", text(&made["id"]))).await.expect(204);
        admin.get("/api/v1/auth/whoami").await.expect(401);
        let nobody = api.with_key(None).get("/api/v1/auth/whoami").await.expect(401);
        assert_eq!((nobody.code(), nobody.header("www-authenticate")), ("credential-missing", "Bearer"));
    })
    .await;
}
