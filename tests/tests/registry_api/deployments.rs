//! Deploying, going back, taking down, and what the status says.

use super::{keys_of, model, on_both, pointers};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use std::collections::BTreeSet;

/// A model with two versions, nothing deployed; its id.
async fn two_versions(api: &Api) -> String {
    let id = api.create_model("churn").await;
    for fixture in ["xgb_binary", "xgb_binary_v2"] {
        api.upload(&id, Fixture::read(fixture).model).await.expect(201);
    }
    id
}

async fn live_version(api: &Api, id: &str) -> Value {
    let answer = api.post(&format!("/v1/predict/{id}"), json!({"instances": [vec![0.5; 30]]})).await.expect(200);
    answer.json["version"].clone()
}

async fn action(api: &Api, id: &str, action: &str, status: u16) -> Value {
    api.post(&format!("{}/{action}", model(id)), json!({})).await.expect(status).json
}

#[tokio::test]
async fn a_version_goes_live_is_swapped_rolled_back_and_taken_down() {
    on_both(async |server| {
        let api = server.api();
        let id = two_versions(&api).await;
        for call in ["undeploy", "rollback"] {
            assert_eq!(action(&api, &id, call, 409).await["code"], "not-deployed", "{call}");
        }
        let deployed = api.deploy("churn", json!({"version": 1})).await.expect(200).json;
        assert_eq!(keys_of(&deployed), BTreeSet::from(["id", "status", "deployment", "message"]));
        assert_eq!((&deployed["id"], &deployed["status"]), (&json!(id), &json!("deployed")));
        let deployment = &deployed["deployment"];
        let expected = json!({"replicas": 1, "hardware": "auto", "version": 1, "state": "ready", "reason": null,
            "engine": "trees", "device": "cpu", "autoscaling": null, "latencyTargetMs": null, "canary": null,
            "shadow": null, "rolledBack": null,
            "tuning": {"engine": null, "instances": null, "threads": null, "inlineRowsMax": null}, "batching": {"maxBatchSize": null, "maxQueueDelayMs": 0.0},
            "endpointUrl": format!("{}/v1/predict/{id}", server.url()), "deployedAt": deployment["deployedAt"]});
        assert_eq!(deployment, &expected);
        assert_eq!(live_version(&api, &id).await, 1);
        assert_eq!(action(&api, &id, "rollback", 409).await["code"], "nothing-to-roll-back");

        // The newest ready version is the default, and a body may be left out altogether.
        let request = api.request(reqwest::Method::POST, &format!("{}/deploy", model(&id)));
        assert_eq!(api.send(request).await.expect(200).json["deployment"]["version"], 2);
        assert_eq!(live_version(&api, &id).await, 2);
        let whole = api.get(&model(&id)).await.expect(200).json;
        assert_eq!((&whole["status"], &whole["deployment"]["version"]), (&json!("deployed"), &json!(2)));

        let back = action(&api, &id, "rollback", 200).await;
        assert_eq!((&back["status"], &back["deployment"]["version"]), (&json!("deployed"), &json!(1)));
        assert_eq!(live_version(&api, &id).await, 1);

        let down = action(&api, &id, "undeploy", 200).await;
        assert_eq!(keys_of(&down), BTreeSet::from(["id", "status", "message"]));
        assert_eq!((&down["id"], &down["status"]), (&json!(id), &json!("registered")));
        api.post(&format!("/v1/predict/{id}"), json!({"instances": [vec![0.5; 30]]})).await.expect(404);
        let whole = api.get(&model(&id)).await.expect(200).json;
        assert_eq!((&whole["status"], &whole["deployment"]), (&json!("registered"), &Value::Null));
        api.delete(&model(&id)).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn settings_are_kept_and_shown() {
    on_both(async |server| {
        let api = server.api();
        let id = two_versions(&api).await;
        let body = json!({"version": 2, "hardware": "cpu", "replicas": 2, "latencyTargetMs": 25.5,
            "autoscaling": {"enabled": false, "minReplicas": 1, "maxReplicas": 4, "targetCpuUtilization": 80},
            "batching": {"maxBatchSize": 16, "maxQueueDelayMs": 1.5}, "strategy": "swap"});
        let deployed = api.deploy(&id, body).await.expect(200).json;
        let shown = &deployed["deployment"];
        let expected = json!({"version": 2, "hardware": "cpu", "replicas": 2, "latencyTargetMs": 25.5,
            "autoscaling": {"enabled": false, "minReplicas": 1, "maxReplicas": 4, "targetCpuUtilization": 80.0},
            "batching": {"maxBatchSize": 16, "maxQueueDelayMs": 1.5}});
        for (field, expected) in expected.as_object().expect("an object") {
            assert_eq!(&shown[field], expected, "{field}");
        }
        assert_eq!(&api.get(&model(&id)).await.expect(200).json["deployment"], shown);
        let status = api.get(&format!("{}/status", model(&id))).await.expect(200).json;
        assert_eq!(status["instances"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_canary_and_a_shadow_stand_beside_what_is_live() {
    on_both(async |server| {
        let api = server.api();
        let id = two_versions(&api).await;
        let canary = json!({"version": 2, "strategy": {"canary": {"percent": 30}}});
        assert_eq!(api.deploy(&id, canary.clone()).await.expect(409).code(), "not-deployed");
        api.deploy(&id, json!({"version": 1})).await.expect(200);
        let beside = api.deploy(&id, canary).await.expect(200).json;
        assert_eq!(beside["deployment"]["version"], 1);
        assert_eq!(beside["deployment"]["canary"], json!({"version": 2, "percent": 30}));
        let status = api.get(&format!("{}/status", model(&id))).await.expect(200).json;
        assert_eq!((&status["version"], &status["canary"]), (&json!(1), &json!({"version": 2, "percent": 30})));
        let swapped = api.deploy(&id, json!({"version": 1})).await.expect(200).json;
        assert_eq!(swapped["deployment"]["canary"], Value::Null, "a swap ends it");
        let shadowed = api.deploy(&id, json!({"version": 2, "strategy": "shadow"})).await.expect(200).json;
        assert_eq!(shadowed["deployment"]["shadow"], json!({"version": 2}));
        assert_eq!(live_version(&api, &id).await, 1);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_deployed_leaves_what_is_live() {
    on_both(async |server| {
        let api = server.api();
        let id = two_versions(&api).await;
        api.deploy(&id, json!({"version": 1})).await.expect(200);
        let cases: [(Value, u16, &str, &[&str]); 7] = [
            (json!({"version": 9}), 404, "not-found", &[]),
            (json!({"replicas": 0, "version": -1}), 400, "validation", &["/version", "/replicas"]),
            (json!({"replicas": 65}), 400, "validation", &["/replicas"]),
            (json!({"strategy": {"canary": {"percent": 0}}}), 400, "validation", &["/strategy/canary/percent"]),
            (json!({"hardware": "gpu"}), 422, "hardware-unavailable", &[]),
            (json!({"autoscaling": {"enabled": true}}), 400, "validation", &["/autoscaling/maxReplicas"]),
            (json!({"versoin": 2}), 400, "validation", &["/versoin"]),
        ];
        for (body, status, code, named) in cases {
            let answer = api.deploy(&id, body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{body}: {}", answer.text);
            if !named.is_empty() {
                assert_eq!(pointers(&answer.json), named, "{body}");
            }
        }
        assert_eq!(live_version(&api, &id).await, 1);
        assert_eq!(api.get(&model(&id)).await.expect(200).json["deployment"]["version"], 1);
    })
    .await;
}

#[tokio::test]
async fn the_status_tells_what_runs() {
    on_both(async |server| {
        let api = server.api();
        let id = two_versions(&api).await;
        let path = format!("{}/status", model("churn"));
        let before = api.get(&path).await.expect(200).json;
        assert_eq!((&before["state"], &before["version"]), (&json!("undeployed"), &Value::Null));
        assert_eq!((&before["instances"], &before["engine"]), (&json!(0), &Value::Null));
        api.deploy(&id, json!({"version": 1})).await.expect(200);
        let status = api.get(&path).await.expect(200).json;
        let fields = [
            "id",
            "state",
            "reason",
            "version",
            "instances",
            "busy",
            "queueDepth",
            "inFlight",
            "memoryBytes",
            "lastError",
            "engine",
            "device",
            "divergence",
            "run",
            "canary",
            "shadow",
            "nodes",
        ];
        assert_eq!(keys_of(&status), BTreeSet::from(fields));
        let expected = json!({"id": id, "state": "ready", "reason": null, "version": 1, "instances": 1, "busy": 0,
            "queueDepth": 0, "inFlight": 0, "lastError": null, "engine": "trees", "device": "cpu"});
        for (field, expected) in expected.as_object().expect("an object") {
            assert_eq!(&status[field], expected, "{field}");
        }
        let run =
            json!({"threads": 1, "maxBatchSize": 64, "inlineRowsMax": 0, "inlineBatchRowsMax": 0, "profile": null});
        assert_eq!(status["run"], run);
        let nodes = status["nodes"].as_array().expect("a list");
        assert_eq!(nodes.len(), 1);
        let fields = BTreeSet::from(["node", "generation", "state", "reason", "engine", "updatedAt"]);
        assert_eq!((keys_of(&nodes[0]), &nodes[0]["state"]), (fields, &json!("ready")));
    })
    .await;
}

#[tokio::test]
async fn hardware_and_predictions_through_the_registry() {
    on_both(async |server| {
        let api = server.api();
        let list = api.get(&format!("{REGISTRY}/hardware")).await.expect(200).json;
        assert_eq!((&list["count"], &list["hardware"][0]["id"]), (&json!(2), &json!("auto")));
        let cpu = &list["hardware"][1];
        let fields = BTreeSet::from(["id", "device", "name", "cores", "memoryBytes", "memoryFreeBytes"]);
        assert_eq!((keys_of(cpu), &cpu["id"], &cpu["device"]), (fields, &json!("cpu"), &json!("cpu")));
        assert!(cpu["memoryFreeBytes"].as_u64() <= cpu["memoryBytes"].as_u64() && cpu["cores"].as_u64() >= Some(1));
        let page = api.get(&format!("{REGISTRY}/hardware?limit=1&offset=1")).await.expect(200).json;
        assert_eq!((&page["count"], &page["hardware"][0]["id"]), (&json!(2), &json!("cpu")));

        let id = two_versions(&api).await;
        api.deploy(&id, json!({"version": 1})).await.expect(200);
        let body = json!({"instances": [vec![0.5; 30]]});
        let twin = api.post(&format!("{}/predict", model("churn")), body.clone()).await.expect(200).json;
        let direct = api.post("/v1/predict/churn", body).await.expect(200).json;
        assert_eq!(twin["probabilities"], direct["probabilities"]);
        assert_eq!(keys_of(&twin), keys_of(&direct));
    })
    .await;
}
