//! The rest of `/v2`: metadata, health, configuration, choice of outputs, classification.

use crate::{first_row, tensor};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn a_client_learns_what_is_there() {
    let server = TestServer::start().await;
    let api = server.api();
    let nobody = api.with_key(None);
    let about = nobody.get("/v2").await.expect(200).json;
    assert_eq!(about["name"], "servoir");
    let extensions = [
        "binary_tensor_data",
        "classification",
        "logging",
        "model_configuration",
        "model_repository",
        "model_repository(unload_dependents)",
        "parameters",
        "schedule_policy",
        "statistics",
    ];
    assert_eq!(about["extensions"], json!(extensions));
    for path in ["/v2/health/live", "/v2/health/ready"] {
        nobody.get(path).await.expect(200);
        assert_eq!(nobody.post(path, json!({})).await.expect(405).header("allow"), "GET");
    }
    api.serve("churn", Fixture::read("xgb_binary").model).await;
    let metadata = api.get("/v2/models/churn").await.expect(200).json;
    assert_eq!(api.get("/v2/models/churn/versions/1").await.expect(200).json, metadata);
    assert_eq!((&metadata["name"], &metadata["versions"]), (&json!("churn"), &json!(["1"])));
    assert_eq!(metadata["platform"], "servoir_trees");
    assert_eq!(metadata["inputs"], json!([{"name": "input", "datatype": "FP32", "shape": [-1, 30]}]));
    assert_eq!(metadata["outputs"].as_array().map(Vec::len), Some(2));

    api.get("/v2/models/churn/ready").await.expect(200);
    for head in ["/v2/health/live", "/v2/models/churn/ready"] {
        let answer = api.send(api.request(Method::HEAD, head)).await.expect(200);
        assert_eq!(answer.text, "", "{head}");
    }
    let listed = api.send(api.request(Method::POST, "/v2/repository/index")).await.expect(200).json;
    assert_eq!(listed, json!([{"name": "churn", "version": "1", "state": "READY", "reason": ""}]));

    for (path, status) in [
        ("/v2/models/nope", 404),
        ("/v2/models/nope/ready", 404),
        ("/v2/models/churn/versions/2", 404),
        ("/v2/models/nope/stats", 404),
        ("/v2/trace/setting", 404),
        ("/v2/models/churn/trace/setting", 404),
        ("/v2/models/churn?x=1", 400),
        ("/v2/models/%zz", 400),
        ("/v2/", 404),
    ] {
        let answer = api.get(path).await.expect(status);
        assert!(answer.json["error"].is_string(), "{path}: {}", answer.text);
    }
    assert_eq!(nobody.get("/v2/models/churn").await.expect(401).json["error"].as_str().map(str::is_empty), Some(false));
    server.stop().await;
}

#[tokio::test]
async fn a_configuration_says_how_a_version_runs() {
    let server = TestServer::start().await;
    let api = server.api();
    let churn = api.create_model("churn").await;
    api.upload(&churn, Fixture::read("xgb_binary").model).await.expect(201);
    let batching = json!({"maxBatchSize": 16, "maxQueueDelayMs": 1.5});
    api.deploy(&churn, json!({"replicas": 2, "batching": batching})).await.expect(200);
    let config = api.get("/v2/models/churn/config").await.expect(200).json;
    let expected = json!({
        "name": "churn", "platform": "servoir_trees", "backend": "trees",
        "version_policy": {"specific": {"versions": [1]}},
        "max_batch_size": 10_000,
        "input": [{"name": "input", "data_type": "TYPE_FP32", "dims": [30]}],
        "output": [
            {"name": "label", "data_type": "TYPE_INT64", "dims": []},
            {"name": "probabilities", "data_type": "TYPE_FP32", "dims": [2]},
        ],
        "instance_group": [{"name": "churn_0", "kind": "KIND_CPU", "count": 2}],
        "dynamic_batching": {"preferred_batch_size": [16], "max_queue_delay_microseconds": 1500},
        "model_transaction_policy": {"decoupled": false},
        "parameters": {},
        "servoir": {"model_id": churn, "version": 1, "device": "cpu", "device_bytes": 0, "nodes_on_cpu": 0,
            "chosen_because": null, "queue_rows_max": 10_000, "queue_bytes_max": 256 << 20,
            "threads": 1, "inline_rows_max": 0, "inline_batch_rows_max": 0, "profile": null},
    });
    assert_eq!(config, expected);
    api.serve("four", Fixture::read("fixed_batch").model).await;
    let config = api.get("/v2/models/four/versions/1/config").await.expect(200).json;
    assert_eq!((&config["max_batch_size"], &config["input"][0]["dims"]), (&json!(0), &json!([4, 2])));
    assert_eq!(config.get("dynamic_batching"), None);
    server.stop().await;
}

#[tokio::test]
async fn shared_memory_holds_nothing() {
    let server = TestServer::start().await;
    let api = server.api();
    for kind in ["systemsharedmemory", "cudasharedmemory"] {
        let status = api.get(&format!("/v2/{kind}/status")).await.expect(200);
        assert_eq!(status.json, json!([]));
        for path in ["unregister", "region/mine/unregister"] {
            api.send(api.request(Method::POST, &format!("/v2/{kind}/{path}"))).await.expect(200);
        }
        let path = format!("/v2/{kind}/region/mine/register");
        let refused = api.post(&path, json!({"key": "/mine", "offset": 0, "byte_size": 8})).await.expect(400);
        assert!(refused.text.contains("shared memory"), "{}", refused.text);
        api.get(&format!("/v2/{kind}/region/mine/status")).await.expect(404);
    }
    server.stop().await;
}

#[tokio::test]
async fn outputs_are_chosen_ordered_and_classified() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let row = first_row(&fixture);
    let probabilities = &fixture.cases[0]["outputs"]["probabilities"]["data"];
    api.serve("churn", fixture.model).await;
    let infer = |outputs: Value| {
        let body =
            json!({"id": "7", "outputs": outputs, "inputs": [tensor("input", "FP32", json!([1, 30]), json!(row))]});
        let api = api.clone();
        async move { api.post("/v2/models/churn/infer", body).await.expect(200).json }
    };
    let names = |answer: &Value| -> Vec<String> {
        let outputs = answer["outputs"].as_array().expect("outputs").iter();
        outputs.map(|output| output["name"].as_str().expect("a name").to_owned()).collect()
    };
    let reversed = infer(json!([{"name": "probabilities"}, {"name": "label"}])).await;
    assert_eq!((names(&reversed), &reversed["id"]), (vec!["probabilities".into(), "label".into()], &json!("7")));
    assert_eq!(names(&infer(json!([{"name": "label"}])).await), ["label"]);

    let best = infer(json!([{"name": "probabilities", "parameters": {"classification": 1}}])).await;
    let output = &best["outputs"][0];
    assert_eq!((&output["datatype"], &output["shape"]), (&json!("BYTES"), &json!([1, 1])));
    let text = output["data"][0].as_str().expect("a text");
    let mut fields = text.split(':');
    let score: f64 = fields.next().and_then(|score| score.parse().ok()).expect("a score");
    let index: usize = fields.next().and_then(|index| index.parse().ok()).expect("an index");
    assert!((score - probabilities[index].as_f64().expect("a probability")).abs() < 1e-5, "{text}");
    assert!(score >= 0.5, "{text}");
    server.stop().await;
}

#[tokio::test]
async fn values_without_a_json_form_are_null_on_v1_and_refused_on_v2() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("add", Fixture::read("two_inputs_add").model).await;
    let largest = json!([3.4e38, 1, 2, 3]);
    let v1 = api.post("/v1/predict/add", json!({"inputs": {"a": [largest], "b": [largest]}})).await.expect(200);
    assert_eq!(v1.json["predictions"], json!([[null, 2.0, 4.0, 6.0]]));
    let inputs = ["a", "b"].map(|name| tensor(name, "FP32", json!([1, 4]), largest.clone()));
    let v2 = api.post("/v2/models/add/infer", json!({"inputs": inputs})).await.expect(400);
    assert!(v2.text.contains("value 0 of output 'sum'") && v2.text.contains("binary"), "{}", v2.text);
    server.stop().await;
}
