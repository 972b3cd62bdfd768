//! Every datatype goes in and comes out as it was.

use crate::oracles::over_v2;
use crate::{assert_close, flat, has_rows, nested_inputs, tensor};
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

const WITH_JSON_FORM: &[&str] = &[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES",
];

#[tokio::test]
async fn extremes_come_back_over_both_protocols() {
    let server = TestServer::start().await;
    let api = server.api();
    for datatype in WITH_JSON_FORM.iter().chain(&["BF16"]) {
        let name = format!("echo_{datatype}");
        let fixture = Fixture::read(&name);
        api.serve(&name, fixture.model.clone()).await;
        for (number, case) in fixture.cases.iter().enumerate() {
            let what = format!("{name}, case {number}");
            if *datatype != "BF16" {
                over_v2(&api, &name, case, &what).await;
            }
            let answer = api.post(&format!("/v1/predict/{name}"), json!({"inputs": nested_inputs(case)})).await;
            if !has_rows(case) {
                assert_eq!(answer.status, 400, "{what}: {}", answer.text);
                continue;
            }
            assert_eq!(answer.status, 200, "{what}: {}", answer.text);
            let sent = &case["inputs"]["input"]["data"];
            // BF16 has two to three digits; every other type has its own.
            let tolerance = if *datatype == "BF16" { 1e-2 } else { 1e-6 };
            assert_close(&flat(&answer.json["predictions"]), &flat(sent), tolerance, &what);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn values_that_a_datatype_does_not_hold_are_refused() {
    let server = TestServer::start().await;
    let api = server.api();
    let cases: [(&str, Value, &str); 8] = [
        ("UINT8", json!([1, 256, 3]), "256 is out of the range of UINT8"),
        ("INT8", json!([1, 2, -129]), "-129 is out of the range of INT8"),
        ("INT64", json!([1.5, 2, 3]), "1.5 is not a whole number"),
        ("FP16", json!([1, 2, 70000]), "70000 is out of the range of FP16"),
        ("FP32", json!([1, null, 3]), "null came"),
        ("FP64", json!(["1", 2, 3]), "\"1\" came where FP64 takes numbers"),
        ("BOOL", json!([1, 0, 1]), "1 came where BOOL takes true or false"),
        ("BYTES", json!(["a", 5, "c"]), "5 came where BYTES takes strings"),
    ];
    for (datatype, row, says) in cases {
        let name = format!("echo_{datatype}");
        api.serve(&name, Fixture::read(&name).model).await;
        let v1 = api.post(&format!("/v1/predict/{name}"), json!({"instances": [row]})).await.expect(422);
        let body = json!({"inputs": [tensor("input", datatype, json!([1, 3]), row)]});
        let v2 = api.post(&format!("/v2/models/{name}/infer"), body).await.expect(400);
        for text in [v1.json["detail"].as_str(), v2.json["error"].as_str()] {
            assert!(text.is_some_and(|text| text.contains(says) && text.contains("'input'")), "{text:?}");
        }
    }
    let body = json!({"inputs": [tensor("input", "BF16", json!([1, 3]), json!([1, 2, 3]))]});
    api.serve("echo_BF16", Fixture::read("echo_BF16").model).await;
    let refused = api.post("/v2/models/echo_BF16/infer", body).await.expect(400);
    assert!(refused.text.contains("BF16 has no JSON form"), "{}", refused.text);
    server.stop().await;
}
