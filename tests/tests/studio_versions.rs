//! Versions in the Studio: promoted, restored, deployed, tried, and downloaded by a link.

use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::load::Load;
use servoir_tests::server::{BOOTSTRAP_KEY, TestServer};

const STUDIO: &str = "/api/v1/models";
/// Promotions of a model that is live under load.
const PROMOTIONS: usize = 20;

/// A model with two versions, neither deployed.
async fn two_versions(api: &Api, name: &str) -> String {
    let model = api.create_model(name).await;
    api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201);
    api.upload(&model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    model
}

fn version_id(model: &str, number: u64) -> String {
    format!("ver_{}_{number}", model.trim_start_matches("model_"))
}

fn first_row() -> Value {
    Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0].clone().into()
}

#[tokio::test]
async fn versions_are_listed_with_what_is_known_of_them() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    let list = api.get(&format!("{STUDIO}/churn/versions?page_size=1")).await.expect(200).json;
    assert_eq!((&list["total"], &list["page"], &list["page_size"]), (&json!(2), &json!(1), &json!(1)));
    let newest = &list["results"][0];
    assert_eq!(newest["version_id"], version_id(&model, 2));
    assert_eq!((&newest["status"], &newest["is_promoted"]), (&json!("ready"), &json!(false)));
    assert_eq!(newest["artifacts"], json!({"model_file": null, "onnx_file": "churn-v2.onnx"}));
    for name in [version_id(&model, 1), "1".to_owned()] {
        let version = api.get(&format!("{STUDIO}/{model}/versions/{name}")).await.expect(200).json;
        assert_eq!((&version["version_number"], &version["algorithm"]), (&json!(1), &Value::Null));
    }
    let other = two_versions(&api, "other").await;
    for wrong in [version_id(&model, 3), version_id(&other, 1), "0".into(), "x".into(), "-1".into()] {
        api.get(&format!("{STUDIO}/{model}/versions/{wrong}")).await.expect(404);
        api.post(&format!("{STUDIO}/{model}/versions/{wrong}/promote"), json!({})).await.expect(404);
    }
    let refused = api.post(&format!("{STUDIO}/{model}/versions/1/restore"), json!({})).await.expect(422);
    assert_eq!(refused.code(), "not-trained");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promotion_swaps_what_is_live_and_loses_no_request() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    let promote = |number: usize| format!("{STUDIO}/{model}/versions/{number}/promote");
    // Not deployed: a promotion is nothing but a mark.
    let promoted = api.post(&promote(1), json!({})).await.expect(200).json;
    assert_eq!(promoted["is_promoted"], true);
    api.get(&format!("{STUDIO}/{model}/deployment")).await.expect(404);
    let deployed = api.post(&format!("{STUDIO}/{model}/deploy"), json!({})).await.expect(200).json;
    assert_eq!(deployed["deployment"]["version_id"], version_id(&model, 1), "the promoted one, not the newest");

    let body = json!({"instances": [first_row()]});
    let load = Load::start(&api, BOOTSTRAP_KEY, &format!("/v1/predict/{model}"), &body, 8);
    for number in 0..PROMOTIONS {
        let number = 2 - number % 2;
        api.post(&promote(number), json!({})).await.expect(200);
        let live = api.get(&format!("{STUDIO}/{model}/deployment")).await.expect(200).json;
        assert_eq!((&live["version_number"], &live["state"]), (&json!(number), &json!("ready")));
    }
    let outcome = load.stop().await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let by_first = outcome.answered.iter().filter(|one| one.version == 1).count();
    assert!(by_first > 0 && by_first < outcome.answered.len(), "both answered");

    let audit = api.get(&format!("{STUDIO}/{model}/audit-logs?action=model.version_promoted&page_size=200")).await;
    let audit = audit.expect(200).json;
    assert_eq!(audit["total"], PROMOTIONS + 1, "one entry each");
    let newest = &audit["results"][0];
    let ids = (&newest["before"]["promoted"], &newest["after"]["promoted"]);
    assert_eq!(ids, (&json!(version_id(&model, 2)), &json!(version_id(&model, 1))));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_served_is_not_promoted() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    api.post(&format!("{STUDIO}/{model}/versions/1/promote"), json!({})).await.expect(200);
    api.post(&format!("{STUDIO}/{model}/deploy"), json!({"tuning": {"engine": "trees"}})).await.expect(200);
    // A network, which the engine that the deployment asks for cannot run.
    let network = api.upload(&model, Fixture::read("smallconv").model).await.expect(201).json;
    let promote = format!("{STUDIO}/{model}/versions/{}/promote", network["version"]);
    assert_eq!(api.post(&promote, json!({})).await.expect(409).code(), "swap-refused");
    assert_eq!(api.post(&promote, json!({"force": true})).await.expect(422).code(), "version-rejected");
    let live = api.get(&format!("{STUDIO}/{model}/deployment")).await.expect(200).json;
    assert_eq!((&live["version_number"], &live["state"]), (&json!(1), &json!("ready")));
    let first = api.get(&format!("{STUDIO}/{model}/versions/1")).await.expect(200).json;
    assert_eq!(first["is_promoted"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_version_is_promoted_no_more() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    api.post(&format!("{STUDIO}/{model}/versions/1/promote"), json!({})).await.expect(200);
    api.delete(&format!("{REGISTRY}/models/{model}/versions/1")).await.expect(204);
    let refused = api.get(&format!("{STUDIO}/{model}/download")).await.expect(404);
    assert_eq!(refused.code(), "no-promoted-version");
    server.stop().await;
}

#[tokio::test]
async fn a_link_gives_the_file_without_a_credential() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    let link = api.get(&format!("{STUDIO}/{model}/download?version_id=2&expires_in=60")).await.expect(200).json;
    let bytes = Fixture::read("xgb_binary_v2").model;
    assert_eq!((&link["file_name"], &link["size_bytes"]), (&json!("churn-v2.onnx"), &json!(bytes.len())));
    let url = link["url"].as_str().expect("a link");
    let path = url.strip_prefix(api.url()).expect("a link to this server");
    let nobody = api.with_key(None);
    let file = nobody.get(path).await.expect(200);
    assert_eq!(file.bytes, bytes);
    assert!(file.header("content-disposition").contains("churn-v2.onnx"));
    let altered = format!("{}x", &path[..path.len() - 1]);
    for wrong in [altered.as_str(), "/api/v1/downloads/x", "/api/v1/downloads/a.b.c"] {
        nobody.get(wrong).await.expect(404);
    }
    let refused = api.get(&format!("{STUDIO}/{model}/download?version_id=2&format=native")).await.expect(422);
    assert_eq!(refused.code(), "format-not-made");
    api.get(&format!("{STUDIO}/{model}/download?version_id=2&expires_in=86401")).await.expect(400);
    let audit = api.get(&format!("{STUDIO}/{model}/audit-logs?action=model.artifact_downloaded")).await.expect(200);
    assert_eq!(audit.json["total"], 1, "{}", audit.text);
    // A version that is gone is gone for links too.
    api.delete(&format!("{REGISTRY}/models/{model}/versions/2")).await.expect(204);
    nobody.get(path).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn a_trial_answers_for_any_version_and_counts_for_nothing() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    let path = format!("{STUDIO}/{model}/test");
    for (version, fixture) in [(1, "xgb_binary"), (2, "xgb_binary_v2")] {
        let case = &Fixture::read(fixture).cases[0];
        let input = case["inputs"].as_object().and_then(|inputs| inputs.keys().next()).expect("an input");
        let inputs = json!({input.as_str(): Fixture::rows(case)[0]});
        let trial = json!({"version_id": version.to_string(), "inputs": inputs});
        let tried = api.post(&path, trial).await.expect(200).json;
        assert_eq!(tried["version_id"], version_id(&model, version));
        assert!(tried["latency_ms"].is_f64() && tried["prediction"].is_i64(), "{tried}");
        let expected = case["outputs"]["probabilities"]["data"].as_array().expect("probabilities");
        for (got, expected) in tried["probabilities"].as_array().expect("probabilities").iter().zip(expected) {
            let (got, expected) = (got.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((got - expected).abs() <= 1e-6, "{got} {expected}");
        }
    }
    let unknown = api.post(&path, json!({"version_id": "1", "inputs": {"colour": 1}})).await.expect(422);
    assert!(unknown.text.contains("colour"), "{}", unknown.text);
    api.post(&path, json!({"inputs": {}})).await.expect(404);
    let metrics = api.get("/metrics").await.expect(200).text;
    assert!(
        !metrics.lines().any(|line| line.starts_with("servoir_requests_total{") && line.contains(&model)),
        "{metrics}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_deployment_is_said_in_this_dialect() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = two_versions(&api, "churn").await;
    let deploy = format!("{STUDIO}/{model}/deploy");
    let wrong = api.post(&deploy, json!({"batching": {"max_batch_size": 0}})).await.expect(400).json;
    assert_eq!(wrong["errors"][0]["pointer"], "/batching/max_batch_size");
    api.post(&deploy, json!({"maxBatchSize": 1})).await.expect(400);
    let body = json!({"version_id": version_id(&model, 1), "batching": {"max_batch_size": 32}});
    let deployed = api.post(&deploy, body).await.expect(200).json;
    assert_eq!(
        (&deployed["status"], &deployed["deployment"]["batching"]["max_batch_size"]),
        (&json!("deployed"), &json!(32))
    );
    let undeployed = api.post(&format!("{STUDIO}/{model}/undeploy"), json!({})).await.expect(200).json;
    assert_eq!((&undeployed["status"], &undeployed["deployment"]), (&json!("registered"), &Value::Null));
    let refused = api.send(api.request(Method::POST, &format!("{STUDIO}/{model}/rollback"))).await.expect(409);
    assert_eq!(refused.code(), "not-deployed");
    server.stop().await;
}
