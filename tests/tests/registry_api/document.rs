//! The API's document and its page, for anybody and without the internet; and answers to calls that no route takes.

use super::models;
use reqwest::Method;
use servoir_tests::api::REGISTRY;
use servoir_tests::server::TestServer;

#[tokio::test]
async fn the_document_and_its_page_need_nothing_from_elsewhere() {
    let server = TestServer::start().await;
    let anybody = server.api().with_key(None);
    let document = anybody.get("/api/openapi.json").await.expect(200);
    assert_eq!(document.json["openapi"], "3.1.0");
    assert_eq!(document.header("content-type"), "application/json");
    let page = anybody.get("/api/docs/").await.expect(200);
    let quoted = page.text.split('"').filter(|text| text.ends_with(".css") || text.ends_with(".js"));
    let parts: Vec<_> = quoted.map(|part| part.trim_start_matches("./")).collect();
    assert!(parts.len() >= 4, "{}", page.text);
    for part in parts {
        assert!(!part.contains("//"), "{part} comes from elsewhere");
        anybody.get(&format!("/api/docs/{part}")).await.expect(200);
    }
    let settings = anybody.get("/api/docs/swagger-initializer.js").await.expect(200).text;
    assert!(settings.contains("/api/openapi.json") && settings.contains("\"validatorUrl\": \"none\""), "{settings}");
    server.stop().await;
}

#[tokio::test]
async fn calls_that_no_route_takes() {
    let server = TestServer::start().await;
    let api = server.api();
    let nowhere = api.get(&format!("{REGISTRY}/modells")).await.expect(404);
    assert_eq!((nowhere.code(), nowhere.header("content-type")), ("no-such-route", "application/problem+json"));
    let refused = api.send(api.request(Method::PATCH, &models())).await.expect(405);
    assert_eq!(refused.code(), "method-not-allowed");
    let mut allowed: Vec<_> = refused.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    let asked = api.request(Method::GET, &models()).header("x-request-id", "my-request.1");
    let answer = api.send(asked).await.expect(200);
    assert_eq!(answer.header("x-request-id"), "my-request.1");
    let problem = api.send(api.request(Method::GET, &format!("{}?x=1", models()))).await.expect(400);
    assert_eq!(problem.json["requestId"], problem.header("x-request-id"));
    for field in ["type", "title", "status", "detail", "code", "requestId", "errors"] {
        assert!(!problem.json[field].is_null(), "{field}: {}", problem.text);
    }
    server.stop().await;
}
