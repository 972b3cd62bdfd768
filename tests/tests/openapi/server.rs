//! The server's document, `/api/openapi.json`.

use crate::schemathesis::{Run, serving};

#[tokio::test]
async fn the_server_does_what_its_document_says() {
    let server = serving().await;
    let document = format!("{}/api/openapi.json", server.url());
    let described = server.api().get("/api/openapi.json").await.expect(200).json;
    let paths = described["paths"].as_object().expect("paths").values();
    let operations = paths.map(|item| item.as_object().map_or(0, serde_json::Map::len)).sum();
    Run { document: &document, settings: "server", examples_max: 8, operations }.has_no_finding(&server).await;
    server.stop().await;
}
