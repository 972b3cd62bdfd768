//! Management on a port of its own: it is there and nowhere else.

use serde_json::json;
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};

#[tokio::test]
async fn management_moves_to_its_own_port_and_predictions_stay() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.admin_listen = Some("127.0.0.1:0".parse().expect("an address"));
    })
    .await;
    let (data, admin) = (server.api(), server.admin_api().expect("a listener for management"));
    let fixture = Fixture::read("xgb_binary");
    let body = json!({"instances": [Fixture::rows(&fixture.cases[0])[0]]});
    let model = admin.serve("churn", fixture.model).await;
    for path in
        [format!("{REGISTRY}/models"), "/metrics".into(), "/api/openapi.json".into(), "/api/v1/auth/whoami".into()]
    {
        admin.get(&path).await.expect(200);
        assert_eq!(data.get(&path).await.expect(404).code(), "no-such-route", "{path}");
    }
    let twin = format!("{REGISTRY}/models/{model}/predict");
    data.post(&twin, body.clone()).await.expect(404);
    data.post("/v1/predict/churn", body.clone()).await.expect(200);
    data.get("/v2/models/churn").await.expect(200);
    admin.post("/v1/predict/churn", body).await.expect(404);
    for api in [&data, &admin] {
        api.get("/livez").await.expect(200);
        api.get("/readyz").await.expect(200);
    }
    server.stop().await;
}
