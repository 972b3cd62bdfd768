//! Making, finding, changing, copying, archiving and deleting.

use crate::{MODELS, column, make, model, on_both, pointers};
use serde_json::{Value, json};
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;
use std::collections::BTreeSet;

fn keys_of(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

const ROW: [&str; 11] = [
    "id",
    "name",
    "description",
    "model_type",
    "task_type",
    "status",
    "version",
    "tags",
    "created_at",
    "updated_at",
    "created_by",
];

#[tokio::test]
async fn a_model_is_one_in_both_dialects() {
    on_both(async |server| {
        let api = server.api();
        let body = json!({"name": "churn", "model_type": "auto", "task_type": "classification", "tags": ["b", "a"],
            "description": "who leaves", "config": {"target_column": "left", "algorithm": "random_forest"}});
        let made = api.post(MODELS, body).await.expect(201);
        assert_eq!(keys_of(&made.json), BTreeSet::from(ROW));
        assert_eq!((&made.json["status"], &made.json["version"]), (&json!("draft"), &Value::Null));
        let id = made.json["id"].as_str().expect("an id");
        assert_eq!(made.header("location"), model(id));
        let whole = api.get(&model("churn")).await.expect(200);
        assert_eq!(whole.header("etag"), "\"r1\"");
        assert_eq!(whole.json["config"]["algorithm"], "random_forest");
        assert_eq!(whole.json["config"]["validation"]["test_size"], 0.2, "every default is filled in");
        for (field, expected) in
            json!({"dataset": null, "metrics": {}, "tags": ["b", "a"], "role": "owner", "visibility": "org",
                "deployed": false, "latest_version": 0, "id": id})
            .as_object()
            .expect("an object")
        {
            assert_eq!(&whole.json[field], expected, "{field}");
        }
        let same = api.get(&format!("{REGISTRY}/models/{id}")).await.expect(200).json;
        assert_eq!((&same["id"], &same["source"], &same["framework"]), (&json!(id), &json!("automl"), &json!("onnx")));

        let brought = api.create_model("brought").await;
        let brought = api.get(&model(&brought)).await.expect(200).json;
        assert_eq!((&brought["model_type"], &brought["task_type"]), (&json!("custom"), &Value::Null));
        assert_eq!(brought["config"]["algorithm"], "auto");
        api.upload("brought", Fixture::read("xgb_binary").model).await.expect(201);
        assert_eq!(api.get(&model("brought")).await.expect(200).json["status"], "ready");
        let taken = json!({"name": "brought", "model_type": "auto", "task_type": "regression"});
        assert_eq!(api.post(MODELS, taken).await.expect(409).code(), "name-taken");
        assert_eq!(api.get(&model("nobody")).await.expect(404).code(), "not-found");
    })
    .await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    on_both(async |server| {
        let api = server.api();
        let body = json!({"name": "a/b", "model_type": "magic", "task_type": "clustering", "tags": [""]});
        let refused = api.post(MODELS, body).await.expect(400);
        assert_eq!(pointers(&refused.json), ["/name", "/model_type", "/task_type", "/tags/0"]);
        assert_eq!(
            pointers(&api.post(MODELS, json!({})).await.expect(400).json),
            ["/name", "/model_type", "/task_type"]
        );
        let body = json!({"name": "m", "model_type": "auto", "task_type": "regression", "config": {"serach": 1}});
        assert_eq!(pointers(&api.post(MODELS, body).await.expect(400).json), ["/config/serach"]);
        let refused = api.get(&format!("{MODELS}?status=lost&page=0&page_size=101&sort_by=size&x=1")).await.expect(400);
        let named: BTreeSet<_> = pointers(&refused.json).iter().map(ToString::to_string).collect();
        let expected = ["?status", "?page", "?page_size", "?sort_by", "?x"].map(|name| format!("\"{name}\""));
        assert_eq!(named, BTreeSet::from(expected));
        assert_eq!(api.get(MODELS).await.expect(200).json["total"], 0);
        let missing =
            json!({"name": "m", "model_type": "auto", "task_type": "regression", "dataset_id": "dataset_none"});
        assert_eq!(api.post(MODELS, missing).await.expect(404).code(), "not-found");
        assert_eq!(api.get(MODELS).await.expect(200).json["total"], 0, "nothing is half done");
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    on_both(async |server| {
        let api = server.api();
        for (name, task, tags) in [
            ("alpha", "classification", json!(["eu", "prod"])),
            ("Beta", "regression", json!(["prod"])),
            ("gamma", "regression", json!([])),
        ] {
            let body = json!({"name": name, "model_type": "auto", "task_type": task, "tags": tags});
            api.post(MODELS, body).await.expect(201);
        }
        api.create_model("delta").await;
        api.upload("delta", Fixture::read("xgb_binary").model).await.expect(201);
        api.post(&format!("{}/archive", model("gamma")), json!({})).await.expect(200);
        let cases: [(&str, i64, &[&str]); 14] = [
            ("", 3, &["alpha", "Beta", "delta"]),
            ("&status=archived", 1, &["gamma"]),
            ("&status=ready", 1, &["delta"]),
            ("&status=draft", 2, &["alpha", "Beta"]),
            ("&model_type=custom", 1, &["delta"]),
            ("&task_type=regression", 1, &["Beta"]),
            ("&search=BET", 1, &["Beta"]),
            ("&tags=prod", 2, &["alpha", "Beta"]),
            ("&tags=prod,eu", 1, &["alpha"]),
            ("&tags=prod,us", 0, &[]),
            ("&page_size=2", 3, &["alpha", "Beta"]),
            ("&page_size=2&page=2", 3, &["delta"]),
            ("&page=1000000000&page_size=100", 3, &[]),
            ("&sort_order=desc", 3, &["delta", "Beta", "alpha"]),
        ];
        for (query, total, names) in cases {
            let order = if query.contains("sort_order") { "" } else { "&sort_order=asc" };
            let list = api.get(&format!("{MODELS}?sort_by=name{order}{query}")).await.expect(200).json;
            assert_eq!(
                (&list["total"], column(&list["results"], "name")),
                (&json!(total), names.iter().map(|&name| json!(name)).collect()),
                "{query}"
            );
        }
        let list = api.get(MODELS).await.expect(200).json;
        assert_eq!(keys_of(&list), BTreeSet::from(["total", "page", "page_size", "results"]));
        assert_eq!((&list["page"], &list["page_size"]), (&json!(1), &json!(20)));
        assert_eq!(keys_of(&list["results"][0]), BTreeSet::from(ROW), "rows are lean");
        let newest = column(&list["results"], "name");
        assert_eq!(newest[0], "delta", "the newest first");
    })
    .await;
}

#[tokio::test]
async fn what_is_given_changes_and_the_rest_stays() {
    on_both(async |server| {
        let api = server.api();
        let id = make(&api, "churn").await;
        let config = json!({"target_column": "left", "feature_columns": ["a", "b"], "validation": {"seed": 7, "test_size": 0.3}});
        let patched = api.patch(&model(&id), json!({"tags": ["x"], "config": config})).await.expect(200);
        assert_eq!((&patched.json["name"], &patched.json["tags"]), (&json!("churn"), &json!(["x"])));
        assert_eq!(patched.header("etag"), "\"r2\"");
        let patch = json!({"description": "who leaves", "config": {"validation": {"seed": 8}, "feature_columns": null}});
        let patched = api.patch(&model("churn"), patch).await.expect(200).json;
        assert_eq!((&patched["description"], &patched["tags"]), (&json!("who leaves"), &json!(["x"])));
        let config = &patched["config"];
        assert_eq!((&config["target_column"], &config["feature_columns"]), (&json!("left"), &json!([])));
        assert_eq!((&config["validation"]["seed"], &config["validation"]["test_size"]), (&json!(8), &json!(0.2)), "shallow");
        for (patch, code) in [
            (json!({"model_type": "custom"}), "immutable-field"),
            (json!({"task_type": "regression"}), "immutable-field"),
            (json!({"config": {"feature_columns": ["left"]}}), "target-among-features"),
            (json!({"config": {"algorithm": "linear_regression"}}), "wrong-task"),
            (json!({"config": {"algorithm": "xgboost"}}), "no-runner"),
        ] {
            assert_eq!(api.patch(&model(&id), patch.clone()).await.expect(422).code(), code, "{patch}");
        }
        let refused = api.patch(&model(&id), json!({"config": {"validation": {"test_size": 0.9}}})).await.expect(400);
        assert_eq!(pointers(&refused.json), ["/config/validation/test_size"]);
        let stale = api.request(reqwest::Method::PATCH, &model(&id)).header("if-match", "\"r1\"").json(&json!({}));
        assert_eq!(api.send(stale).await.expect(412).code(), "stale");
        assert_eq!(api.get(&model(&id)).await.expect(200).header("etag"), "\"r3\"", "what was refused changed nothing");
    })
    .await;
}

#[tokio::test]
async fn models_are_copied_put_away_and_deleted() {
    on_both(async |server| {
        let api = server.api();
        let id = make(&api, "churn").await;
        api.patch(&model(&id), json!({"tags": ["x"], "config": {"target_column": "left"}})).await.expect(200);
        let copy = api.post(&format!("{}/duplicate", model(&id)), json!({})).await.expect(201);
        assert_eq!((&copy.json["name"], &copy.json["status"]), (&json!("churn copy"), &json!("draft")));
        let copy = api.get(copy.header("location")).await.expect(200).json;
        assert_eq!((&copy["tags"], &copy["config"]["target_column"]), (&json!(["x"]), &json!("left")));
        let named = json!({"name": "churn", "include_dataset": false});
        assert_eq!(api.post(&format!("{}/duplicate", model(&id)), named).await.expect(409).code(), "name-taken");

        let (archive, unarchive) = (format!("{}/archive", model(&id)), format!("{}/unarchive", model(&id)));
        assert_eq!(api.post(&unarchive, json!({})).await.expect(409).code(), "not-archived");
        assert_eq!(api.post(&archive, json!({})).await.expect(200).json["status"], "archived");
        assert_eq!(api.post(&unarchive, json!({})).await.expect(200).json["status"], "draft");
        api.upload(&id, Fixture::read("xgb_binary").model).await.expect(201);
        api.post(&archive, json!({})).await.expect(200);
        assert_eq!(api.post(&unarchive, json!({})).await.expect(200).json["status"], "ready");

        api.deploy(&id, json!({})).await.expect(200);
        assert_eq!(api.post(&archive, json!({})).await.expect(409).code(), "model-deployed");
        for query in ["", "?force=true"] {
            assert_eq!(api.delete(&format!("{}{query}", model(&id))).await.expect(409).code(), "model-deployed");
        }
        api.post(&format!("{REGISTRY}/models/{id}/undeploy"), json!({})).await.expect(200);
        api.delete(&model(&id)).await.expect(204);
        assert_eq!(api.delete(&model(&id)).await.expect(404).code(), "not-found");
        assert_eq!(api.get(&format!("{REGISTRY}/models/{id}")).await.expect(404).code(), "not-found");
        let trail = api.get("/api/v1/audit-logs?action=deleted").await.expect(200).json;
        assert_eq!((&trail["total"], &trail["results"][0]["target"]), (&json!(1), &json!(id)), "the trail stays");
    })
    .await;
}
