//! The documents of single models: what is said of a model's tensors is what the server decodes.

use crate::schemathesis::{Run, serving, token};
use reqwest::Method;

async fn does_what_its_document_says(model: &str) {
    let server = serving().await;
    let api = server.api();
    let request = api.with_key(None).request(Method::GET, &format!("/v2/models/{model}/openapi.json"));
    let document = api.send(request.header("authorization", token())).await.expect(200);
    let file = server.data_dir().join("document.json");
    std::fs::write(&file, &document.text).expect("written");
    let file = file.to_str().expect("a path of text");
    Run { document: file, settings: "model", examples_max: 20, operations: 2 }.has_no_finding(&server).await;
    server.stop().await;
}

/// One input of thirty named features, labels and probabilities.
#[tokio::test]
async fn a_classifier_does_what_its_document_says() {
    does_what_its_document_says("churn").await;
}

/// Two inputs.
#[tokio::test]
async fn a_sum_does_what_its_document_says() {
    does_what_its_document_says("add").await;
}
