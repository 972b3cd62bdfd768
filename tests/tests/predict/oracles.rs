//! Every model answers over both protocols what its own library answers.

use crate::{assert_close, flat, has_rows, nested_inputs};
use serde_json::{Value, json};
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

const MODELS: &[&str] = &[
    "fixed_batch",
    "gbr",
    "lr_zipmap_int",
    "mlp_softmax",
    "rf_zipmap_string",
    "sklearn_pipeline_columns",
    "smallconv",
    "two_inputs_add",
    "xgb_binary",
    "xgb_binary_v2",
    "xgb_missing",
    "xgb_multiclass",
];

#[tokio::test]
async fn models_answer_as_their_libraries_do() {
    let server = TestServer::start().await;
    let api = server.api();
    for name in MODELS {
        let fixture = Fixture::read(name);
        api.serve(name, fixture.model.clone()).await;
        for (number, case) in fixture.cases.iter().enumerate() {
            let what = format!("{name}, case {number}");
            over_v2(&api, name, case, &what).await;
            if has_rows(case) {
                over_v1(&api, name, case, &what).await;
            }
        }
    }
    server.stop().await;
}

/// Over `/v2` every output has its name, datatype, shape and values.
pub async fn over_v2(api: &Api, model: &str, case: &Value, what: &str) {
    let answer = api.post(&format!("/v2/models/{model}/infer"), Fixture::v2_body(case)).await;
    assert_eq!(answer.status, 200, "{what} over /v2: {}", answer.text);
    assert_eq!((&answer.json["model_name"], &answer.json["model_version"]), (&json!(model), &json!("1")), "{what}");
    let expected = case["outputs"].as_object().expect("outputs by name");
    let outputs = answer.json["outputs"].as_array().expect("outputs");
    assert_eq!(outputs.len(), expected.len(), "{what}: {}", answer.text);
    for output in outputs {
        let name = output["name"].as_str().expect("a name");
        let expected = expected.get(name).unwrap_or_else(|| panic!("{what}: no output {name} was expected"));
        let what = format!("{what}, output {name} over /v2");
        assert_eq!((&output["datatype"], &output["shape"]), (&expected["datatype"], &expected["shape"]), "{what}");
        assert_close(&flat(&output["data"]), &flat(&expected["data"]), tolerance(case), &what);
    }
}

/// Over `/v1` labels are the predictions and probabilities stand beside them; a single output is the predictions.
async fn over_v1(api: &Api, model: &str, case: &Value, what: &str) {
    let answer = api.post(&format!("/v1/predict/{model}"), json!({"inputs": nested_inputs(case)})).await;
    assert_eq!(answer.status, 200, "{what} over /v1: {}", answer.text);
    let outputs = case["outputs"].as_object().expect("outputs by name");
    let labels = outputs.iter().find(|(name, _)| name.contains("label"));
    let values = outputs.iter().find(|(name, _)| !name.contains("label"));
    let (_, predictions) = labels.or(values).expect("an output");
    let what = format!("{what} over /v1");
    assert_close(&flat(&answer.json["predictions"]), &flat(&predictions["data"]), tolerance(case), &what);
    if let (Some(_), Some((_, probabilities))) = (labels, values) {
        assert_close(&flat(&answer.json["probabilities"]), &flat(&probabilities["data"]), tolerance(case), &what);
    }
    let ids = answer.json["predictionIds"].as_array().expect("ids");
    assert_eq!(ids.len(), answer.json["predictions"].as_array().expect("predictions").len(), "{what}");
    assert!(answer.json["latencyMs"].as_f64().is_some_and(|millis| millis > 0.0), "{what}");
}

/// How far a value may be off, relative to its size.
pub fn tolerance(case: &Value) -> f64 {
    case["tolerance"].as_f64().expect("a tolerance")
}
