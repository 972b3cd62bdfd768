//! The forms of a `/v1` body are one prediction; names, ids and versions lead to one model.

use crate::first_row;
use serde_json::{Map, Value, json};
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

/// What does not differ between two answers to the same row.
fn essence(answer: &Value) -> Value {
    json!([answer["modelId"], answer["version"], answer["predictions"], answer["probabilities"]])
}

#[tokio::test]
async fn every_form_and_every_address_is_the_same_prediction() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let row = first_row(&fixture);
    let id = api.serve("Customer Churn ☃", fixture.model).await;
    let by_id = format!("/v1/predict/{id}");
    let metadata = api.get(&format!("{REGISTRY}/models/{id}/versions/1")).await.expect(200).json;
    let names: Vec<String> =
        serde_json::from_value(metadata["signature"]["inputs"][0]["featureNames"].clone()).expect("feature names");
    let named: Map<String, Value> = names.iter().cloned().zip(row.clone()).rev().collect();

    let expected = essence(&api.post(&by_id, json!({"instances": [row]})).await.expect(200).json);
    for body in [
        json!({"instances": [named]}),
        json!({"inputs": {"input": [row]}}),
        json!({"inputs": [row]}),
        json!({"input_data": row}),
        json!({"input_data": named}),
        json!({"instances": [row], "entityIds": ["a"], "logPrediction": false, "source": "test"}),
    ] {
        let answer = api.post(&by_id, body.clone()).await.expect(200);
        assert_eq!(essence(&answer.json), expected, "{body}");
        assert_eq!(answer.json.get("prediction").is_some(), body.get("input_data").is_some(), "{body}");
        if body.get("input_data").is_some() {
            assert_eq!(answer.json["prediction"], answer.json["predictions"][0]);
            assert_eq!(answer.json["predictionId"], answer.json["predictionIds"][0]);
        }
    }
    for path in [
        "/v1/predict/Customer%20Churn%20%E2%98%83".to_owned(),
        format!("{by_id}?version=1"),
        format!("{REGISTRY}/models/{id}/predict"),
        format!("{REGISTRY}/models/{id}/predict?version=1"),
    ] {
        let answer = api.post(&path, json!({"instances": [row]})).await.expect(200);
        assert_eq!(essence(&answer.json), expected, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn features_that_are_missing_are_named_unless_the_model_knows_missing() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let row = first_row(&fixture);
    let id = api.serve("churn", fixture.model).await;
    let version = api.get(&format!("{REGISTRY}/models/{id}/versions/1")).await.expect(200).json;
    let input = &version["signature"]["inputs"][0];
    let names: Vec<String> = serde_json::from_value(input["featureNames"].clone()).expect("feature names");
    let mut named: Map<String, Value> = names.iter().cloned().zip(row).collect();
    named.remove(&names[3]);
    named.remove(&names[7]);
    let answer = api.post("/v1/predict/churn", json!({"instances": [named]})).await;
    match input["acceptsMissing"].as_bool() {
        Some(true) => assert_eq!(answer.status, 200, "{}", answer.text),
        _ => {
            assert_eq!((answer.status.as_u16(), answer.code()), (422, "missing-feature"), "{}", answer.text);
            assert!([3, 7].iter().all(|&n| answer.text.contains(&names[n])), "{}", answer.text);
        }
    }
    named.insert(format!("{}s", names[3]), json!(1));
    let answer = api.post("/v1/predict/churn", json!({"instances": [named]})).await.expect(422);
    assert!(answer.text.contains(&format!("did you mean '{}'?", names[3])), "{}", answer.text);
    server.stop().await;
}

#[tokio::test]
async fn models_of_columns_take_rows_by_name() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("sklearn_pipeline_columns");
    api.serve("columns", fixture.model).await;
    let case = &fixture.cases[0];
    let inputs = case["inputs"].as_object().expect("inputs by name");
    let rows = inputs.values().next().expect("an input")["data"].as_array().expect("data").len();
    let row = |n: usize| inputs.iter().map(|(name, tensor)| (name.clone(), tensor["data"][n].clone())).collect();
    let instances: Vec<Map<String, Value>> = (0..rows).map(row).collect();
    let answer = api.post("/v1/predict/columns", json!({"instances": instances})).await.expect(200);
    assert_eq!(answer.json["predictions"], case["outputs"]["label"]["data"]);
    let refused = api.post("/v1/predict/columns", json!({"instances": [[1, 2, "a", "b"]]})).await.expect(422);
    assert!(inputs.keys().all(|name| refused.text.contains(name)), "{}", refused.text);
    server.stop().await;
}
