//! How a model is shown, and who is told what.

use crate::{make, model, on_both, pointers};
use serde_json::{Map, Value, json};

#[tokio::test]
async fn settings_are_merged_per_section() {
    on_both(async |server| {
        let api = server.api();
        let at = format!("{}/settings", model(&make(&api, "churn").await));
        let empty = json!({"display": {}, "notifications": {}, "access": {"visibility": "org"}});
        assert_eq!(api.get(&at).await.expect(200).json, empty);
        let steps = [
            (json!({"display": {"color": "red", "pinned": true}}), json!({"color": "red", "pinned": true}), json!({})),
            (
                json!({"notifications": {"email": "a@b.example"}}),
                json!({"color": "red", "pinned": true}),
                json!({"email": "a@b.example"}),
            ),
            (
                json!({"display": {"color": "blue", "pinned": null, "width": 1.5}}),
                json!({"color": "blue", "width": 1.5}),
                json!({"email": "a@b.example"}),
            ),
            (json!({}), json!({"color": "blue", "width": 1.5}), json!({"email": "a@b.example"})),
        ];
        for (patch, display, notifications) in steps {
            let expected = json!({"display": display, "notifications": notifications, "access": {"visibility": "org"}});
            assert_eq!(api.patch(&at, patch.clone()).await.expect(200).json, expected, "{patch}");
            assert_eq!(api.get(&at).await.expect(200).json, expected, "{patch}");
        }
    })
    .await;
}

#[tokio::test]
async fn settings_are_flat_and_bounded() {
    on_both(async |server| {
        let api = server.api();
        let at = format!("{}/settings", model(&make(&api, "churn").await));
        let many = |prefix: &str, count: usize| -> Map<String, Value> {
            (0..count).map(|index| (format!("{prefix}{index}"), json!(1))).collect()
        };
        for (patch, pointer) in [
            (json!({"display": {"a": {}}}), "/display/a"),
            (json!({"display": {"a/b": [1]}}), "/display/a~1b"),
            (json!({"notifications": {"a": "x".repeat(1025)}}), "/notifications/a"),
            (json!({"display": many("a", 65)}), "/display"),
            (json!({"access": {"visibility": "secret"}}), "/access/visibility"),
            (json!({"acess": {}}), "/acess"),
        ] {
            assert_eq!(pointers(&api.patch(&at, patch).await.expect(400).json), [pointer]);
        }
        api.patch(&at, json!({"display": many("a", 64)})).await.expect(200);
        let refused = api.patch(&at, json!({"display": {"one": "more"}})).await.expect(400);
        assert_eq!(pointers(&refused.json), ["/display"], "what is kept counts too");
    })
    .await;
}
