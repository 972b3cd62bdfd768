//! Shapes that a model does not take, over both protocols.

use crate::tensor;
use serde_json::json;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn a_fixed_batch_takes_just_so_many_rows() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("four", Fixture::read("fixed_batch").model).await;
    let three = json!([[0, 1], [2, 3], [4, 5]]);
    let refused = api.post("/v1/predict/four", json!({"instances": three})).await.expect(422);
    assert!(refused.text.contains("takes 4 rows, 3 came"), "{}", refused.text);
    let body = json!({"inputs": [tensor("x", "FP32", json!([3, 2]), three)]});
    let refused = api.post("/v2/models/four/infer", body).await.expect(400);
    assert!(refused.text.contains("[4, 2]") && refused.text.contains("[3, 2]"), "{}", refused.text);
    server.stop().await;
}

#[tokio::test]
async fn inputs_that_disagree_about_the_rows_are_refused() {
    let server = TestServer::start().await;
    let api = server.api();
    api.serve("add", Fixture::read("two_inputs_add").model).await;
    let body = json!({"inputs": {"a": [[1, 2, 3, 4]], "b": [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]}});
    api.post("/v1/predict/add", body).await.expect(422);
    server.stop().await;
}
