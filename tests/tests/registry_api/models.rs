//! Models: their life, their lists, their archive.

use super::{column, keys_of, model, models, on_both, pointers};
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use std::collections::BTreeSet;

const ITEM_FIELDS: [&str; 14] = [
    "id",
    "name",
    "description",
    "owner",
    "organizationId",
    "workspaceId",
    "framework",
    "source",
    "latestVersion",
    "tags",
    "status",
    "deleted",
    "createdAt",
    "updatedAt",
];

#[tokio::test]
async fn a_model_is_registered_read_changed_and_deleted() {
    on_both(async |server| {
        let api = server.api();
        let body = json!({"name": "Churn, v2", "framework": "xgboost"});
        let created = api.post(&models(), body.clone()).await.expect(201);
        let fields = BTreeSet::from(["id", "name", "framework", "status", "latestVersion", "createdAt"]);
        assert_eq!(keys_of(&created.json), fields);
        assert_eq!((&created.json["status"], &created.json["latestVersion"]), (&json!("registered"), &json!(0)));
        let id = created.json["id"].as_str().expect("an id");
        assert!(id.starts_with("model_") && id.len() >= 18, "{id}");
        assert_eq!(created.header("location"), model(id));
        assert_eq!(api.post(&models(), body).await.expect(409).code(), "name-taken");

        let whole = api.get(created.header("location")).await.expect(200).json;
        let mut fields = BTreeSet::from(ITEM_FIELDS);
        fields.extend(["versions", "deployment"]);
        assert_eq!(keys_of(&whole), fields);
        let defaults = json!({"description": "", "source": "manual", "tags": [], "workspaceId": null, "versions": [],
            "deployment": null, "deleted": false, "organizationId": "default"});
        for (field, expected) in defaults.as_object().expect("an object") {
            assert_eq!(&whole[field], expected, "{field}");
        }
        assert_eq!(api.get(&model("Churn%2C%20v2")).await.expect(200).json, whole, "by name");

        let changed = api.put(&model("Churn%2C%20v2"), json!({"name": "churn", "tags": ["b", "a"]})).await.expect(200);
        assert_eq!((&changed.json["name"], &changed.json["tags"]), (&json!("churn"), &json!(["b", "a"])));
        assert_eq!(changed.json["framework"], "xgboost");
        let described = api.put(&model(id), json!({"description": "who leaves"})).await.expect(200);
        assert_eq!((&described.json["name"], &described.json["tags"]), (&json!("churn"), &json!(["b", "a"])));
        assert_eq!(described.json["description"], "who leaves");
        api.create_model("other").await;
        assert_eq!(api.put(&model(id), json!({"name": "other"})).await.expect(409).code(), "name-taken");

        api.delete(&model("churn")).await.expect(204);
        for answer in [api.get(&model(id)).await, api.put(&model(id), json!({})).await, api.delete(&model(id)).await] {
            assert_eq!(answer.expect(404).code(), "not-found");
        }
        api.create_model("churn").await;
    })
    .await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    on_both(async |server| {
        let api = server.api();
        let body = json!({"name": "a/b", "framework": "caffe", "source": "found", "tags": ["x", ""]});
        let refused = api.post(&models(), body).await.expect(400);
        assert_eq!(refused.code(), "validation");
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert_eq!(pointers(&refused.json), ["/name", "/framework", "/source", "/tags/1"]);
        let refused = api.get(&format!("{}?limit=0&offset=-1&sort=size:asc&statsu=x", models())).await.expect(400);
        let mut named = pointers(&refused.json);
        named.sort_by_key(Value::to_string);
        assert_eq!(named, ["?limit", "?offset", "?sort", "?statsu"]);
        assert_eq!(api.get(&models()).await.expect(200).json["count"], 0, "nothing came of it");
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    on_both(async |server| {
        let api = server.api();
        let given = [
            json!({"name": "alpha", "framework": "onnx", "tags": ["red"], "workspaceId": "w1"}),
            json!({"name": "Beta", "framework": "sklearn", "source": "automl", "description": "100% of ALPHA"}),
            json!({"name": "gamma", "framework": "onnx", "source": "experiment", "tags": ["red", "blue"]}),
            json!({"name": "delta_1", "framework": "pytorch", "workspaceId": "w2"}),
        ];
        for body in given {
            api.post(&models(), body).await.expect(201);
        }
        let artifact = Fixture::read("xgb_binary").model;
        api.upload("alpha", artifact).await.expect(201);
        api.deploy("alpha", json!({})).await.expect(200);
        api.post(&format!("{}/archive", model("gamma")), json!({})).await.expect(200);

        let cases: [(&str, i64, &[&str]); 21] = [
            ("sort=name:asc", 4, &["Beta", "alpha", "delta_1", "gamma"]),
            ("sort=name:desc", 4, &["gamma", "delta_1", "alpha", "Beta"]),
            ("search=ALPHA&sort=name:asc", 2, &["Beta", "alpha"]),
            ("search=100%25", 1, &["Beta"]),
            ("search=_", 1, &["delta_1"]),
            ("search=%25&framework=onnx", 0, &[]),
            ("search=", 4, &["gamma", "delta_1", "alpha", "Beta"]),
            ("framework=onnx&sort=name:asc", 2, &["alpha", "gamma"]),
            ("framework=custom", 0, &[]),
            ("source=manual&sort=name:asc", 2, &["alpha", "delta_1"]),
            ("source=automl", 1, &["Beta"]),
            ("status=deployed", 1, &["alpha"]),
            ("status=archived", 1, &["gamma"]),
            ("status=registered&sort=name:asc", 2, &["Beta", "delta_1"]),
            ("tag=red&sort=name:asc", 2, &["alpha", "gamma"]),
            ("tag=re", 0, &[]),
            ("workspaceId=w2", 1, &["delta_1"]),
            ("framework=onnx&tag=blue&source=experiment", 1, &["gamma"]),
            ("sort=name:asc&limit=2", 4, &["Beta", "alpha"]),
            ("sort=name:asc&limit=2&offset=3", 4, &["gamma"]),
            ("offset=10", 4, &[]),
        ];
        for (query, count, names) in cases {
            let list = api.get(&format!("{}?{query}", models())).await.expect(200).json;
            let mut found = column(&list["models"], "name");
            let mut names: Vec<Value> = names.iter().map(|&name| json!(name)).collect();
            if query.contains("sort=name") {
                // Databases differ in whether capitals come first; the order is asked for without them below.
                assert_eq!(found.len(), names.len(), "{query}: {list}");
            } else {
                found.sort_by_key(Value::to_string);
                names.sort_by_key(Value::to_string);
                assert_eq!(found, names, "{query}");
            }
            assert_eq!(list["count"], count, "{query}");
        }
        let page = api.get(&models()).await.expect(200).json;
        assert_eq!((&page["limit"], &page["offset"]), (&json!(20), &json!(0)));
        for item in page["models"].as_array().expect("a list") {
            assert_eq!(keys_of(item), BTreeSet::from(ITEM_FIELDS), "an item leaves out versions and deployment");
        }
        orders_hold(&api).await;
    })
    .await;
}

async fn orders_hold(api: &servoir_tests::api::Api) {
    let list = async |query: &str| api.get(&format!("{}?framework=onnx&{query}", models())).await.expect(200).json;
    for (query, names) in [
        ("sort=name:asc", ["alpha", "gamma"]),
        ("sort=name:desc", ["gamma", "alpha"]),
        ("sort=status:asc", ["gamma", "alpha"]),
        ("sort=status:desc", ["alpha", "gamma"]),
    ] {
        assert_eq!(column(&list(query).await["models"], "name"), names, "{query}");
    }
    for (query, field, descends) in [
        ("", "createdAt", true),
        ("sort=createdAt:asc", "createdAt", false),
        ("sort=createdAt:desc", "createdAt", true),
        ("sort=updatedAt:asc", "updatedAt", false),
        ("sort=updatedAt:desc", "updatedAt", true),
    ] {
        let all = api.get(&format!("{}?{query}", models())).await.expect(200).json;
        let mut times: Vec<_> = column(&all["models"], field).iter().map(time).collect();
        assert_eq!(times.len(), 4);
        if descends {
            times.reverse();
        }
        assert!(times.is_sorted(), "{query}: {times:?}");
    }
}

fn time(value: &Value) -> servoir_types::Timestamp {
    servoir_types::Timestamp::parse(value.as_str().expect("a time")).expect("RFC 3339")
}

#[tokio::test]
async fn an_archived_model_is_put_away_and_taken_out_again() {
    on_both(async |server| {
        let api = server.api();
        let id = api.serve("churn", Fixture::read("xgb_binary").model).await;
        let archive = format!("{}/archive", model(&id));
        let unarchive = format!("{}/unarchive", model(&id));
        assert_eq!(api.post(&archive, json!({})).await.expect(409).code(), "model-deployed");
        assert_eq!(api.delete(&model(&id)).await.expect(409).code(), "model-deployed");
        api.post(&format!("{}/undeploy", model(&id)), json!({})).await.expect(200);
        let archived = api.post(&archive, json!({})).await.expect(200);
        assert_eq!((&archived.json["status"], &archived.json["deployment"]), (&json!("archived"), &Value::Null));
        assert_eq!(archived.json["versions"].as_array().map(Vec::len), Some(1));
        assert!(!archived.header("etag").is_empty());
        assert_eq!(api.deploy(&id, json!({})).await.expect(409).code(), "model-archived");
        let taken_out = api.post(&unarchive, json!({})).await.expect(200);
        assert_eq!(taken_out.json["status"], "registered");
        assert_eq!(api.post(&unarchive, json!({})).await.expect(409).code(), "not-archived");
        let refused = api.post(&archive, json!({"reason": "old"})).await.expect(400);
        assert_eq!(pointers(&refused.json), ["/reason"], "calls without parameters take none");
        api.deploy(&id, json!({})).await.expect(200);
    })
    .await;
}
