//! How a model is monitored, as its API says it.

use crate::world::World;
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::server::Database;

const SECRET: &str = "a secret of the tests";

#[tokio::test]
async fn settings_are_replaced_under_their_tag() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let path = format!("/api/v1/model-registry/models/{}/monitoring", world.model);
    let first = world.api.get(&path).await.expect(200);
    assert_eq!((first.header("etag"), &first.json["labelWindowDays"]), ("\"r0\"", &json!(14)));
    let put = async |tag: &str, body: Value| {
        let request = world.api.request(Method::PUT, &path).header("if-match", tag).json(&body);
        world.api.send(request).await
    };
    let hook = json!({"id": "ops", "url": "https://example.org/hook", "secret": SECRET, "events": ["raised"]});
    let changed = put("\"r0\"", json!({"sampleRate": 0.5, "webhooks": [hook]})).await.expect(200);
    assert_eq!((changed.header("etag"), &changed.json["sampleRate"]), ("\"r1\"", &json!(0.5)));
    assert_eq!(changed.json["webhooks"][0]["secret"], Value::Null);
    put("\"r0\"", json!({})).await.expect(412);
    // What was read can be sent back: the secret stays.
    let read = world.api.get(&path).await.expect(200);
    assert_eq!(read.json, changed.json);
    put("\"r1\"", read.json.clone()).await.expect(200);
    let refused = put("*", json!({"webhooks": [{"id": "new", "url": "https://example.org/hook"}]})).await.expect(400);
    assert_eq!(refused.json["errors"][0]["pointer"], "/webhooks/0/secret");
    let cleared = put("*", json!({})).await.expect(200);
    assert_eq!(cleared.json, first.json, "what is left out has its default");
    let audit = world.api.get("/api/v1/audit-logs?action=model.monitoring_updated").await.expect(200);
    assert_eq!((&audit.json["total"], audit.text.contains(SECRET)), (&json!(3), false), "{}", audit.text);
    world.stop().await;
}

#[tokio::test]
async fn a_typo_is_refused_by_its_place() {
    let world = World::of(Database::Sqlite, "xgb_binary").await;
    let path = format!("/api/v1/model-registry/models/{}/monitoring", world.model);
    for (body, pointer) in [
        (json!({"sampelRate": 1}), "/sampelRate"),
        (json!({"windows": ["2h"]}), "/windows/0"),
        (json!({"thresholds": {"psy": {}}}), "/thresholds"),
        (json!({"hysteresis": {"raise": 2}}), "/hysteresis/raise"),
        (json!({"labelWindowDays": 1.5}), "/labelWindowDays"),
    ] {
        let refused = world.api.put(&path, body).await.expect(400);
        assert_eq!(refused.json["errors"][0]["pointer"], pointer, "{}", refused.text);
    }
    world.stop().await;
}
