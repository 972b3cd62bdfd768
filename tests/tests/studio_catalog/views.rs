//! The dashboard, and a model as registries show it.

use crate::{MODELS, column, make, model, on_both, pointers};
use serde_json::json;
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;

#[tokio::test]
async fn a_dashboard_counts_what_the_caller_sees() {
    on_both(async |server| {
        let api = server.api();
        make(&api, "draft").await;
        let archived = make(&api, "archived").await;
        api.post(&format!("{}/archive", model(&archived)), json!({})).await.expect(200);
        api.serve("live", Fixture::read("xgb_binary").model).await;
        let stats = api.get(&format!("{MODELS}/dashboard/stats")).await.expect(200).json;
        assert_eq!(
            stats["status_breakdown"],
            json!({"draft": 1, "training": 0, "ready": 1, "archived": 1, "failed": 0})
        );
        assert_eq!(stats["type_breakdown"], json!({"auto": 2, "custom": 1}));
        assert_eq!(
            (&stats["period"], &stats["total_models"], &stats["deployed_models"]),
            (&json!("7d"), &json!(3), &json!(1))
        );
        assert!(stats["training_success_rate"].is_null(), "no run, no rate");
        assert_eq!(column(&stats["recent_events"], "event_type")[0], "model.deployed");
        let custom = api.get(&format!("{MODELS}/dashboard/stats?period=90d&model_type=custom")).await.expect(200).json;
        assert_eq!((&custom["total_models"], &custom["period"]), (&json!(1), &json!("90d")));
        let refused = api.get(&format!("{MODELS}/dashboard/stats?period=2d")).await.expect(400);
        assert_eq!(pointers(&refused.json), ["?period"]);
        for number in 0..12 {
            make(&api, &format!("m{number}")).await;
        }
        let stats = api.get(&format!("{MODELS}/dashboard/stats")).await.expect(200).json;
        assert_eq!(stats["recent_events"].as_array().map(Vec::len), Some(10));
    })
    .await;
}

#[tokio::test]
async fn registries_show_the_same_model() {
    on_both(async |server| {
        let api = server.api();
        let id = make(&api, "churn").await;
        api.patch(&model(&id), json!({"tags": ["prod"], "description": "who leaves"})).await.expect(200);
        let version = api.upload(&id, Fixture::read("xgb_binary").model).await.expect(201).json;
        let standard = api.get(&format!("{}/registry", model(&id))).await.expect(200).json;
        assert_eq!(standard, api.get(&format!("{REGISTRY}/models/{id}")).await.expect(200).json);
        let mlflow = api.get(&format!("{}/registry?format=mlflow", model(&id))).await.expect(200).json;
        let shown = &mlflow["registered_model"];
        assert_eq!((&shown["name"], &shown["description"]), (&json!("churn"), &json!("who leaves")));
        assert_eq!((&shown["tags"], &shown["aliases"]), (&json!([{"key": "prod", "value": ""}]), &json!([])));
        let latest = &shown["latest_versions"][0];
        assert_eq!(
            (&latest["version"], &latest["status"], &latest["source"]),
            (&json!("1"), &json!("READY"), &version["artifactUri"])
        );
        assert_eq!((&latest["current_stage"], &latest["aliases"]), (&json!("None"), &json!([])));
        let refused = api.get(&format!("{}/registry?format=dvc", model(&id))).await.expect(400);
        assert_eq!(pointers(&refused.json), ["?format"]);
    })
    .await;
}
