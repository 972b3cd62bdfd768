//! Pages of other origins: what their scripts may do, and that nothing is said about it unless it was configured.

use reqwest::Method;
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::server::{Database, TestServer};

const PAGE: &str = "https://studio.example";

async fn start(origins: &[&str]) -> TestServer {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    TestServer::start_with(Database::Sqlite, |config| config.cors_allowed_origins = origins).await
}

/// Asks as a browser does before it lets a page's script call.
async fn preflight(api: &Api, path: &str, origin: &str, method: &str) -> Answer {
    let request = api.with_key(None).request(Method::OPTIONS, path).header("origin", origin);
    let headers = "content-type, x-api-key, inference-header-content-length";
    let request = request.header("access-control-request-method", method);
    api.send(request.header("access-control-request-headers", headers)).await
}

fn has_cors_headers(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn preflights_are_answered_before_anybody_is_asked_for_a_credential() {
    let server = start(&[PAGE, "http://localhost:3000"]).await;
    let api = server.api();
    let models = format!("{REGISTRY}/models");
    let cases = [
        (PAGE, "/v1/predict/churn", "POST", true),
        (PAGE, "/v2/models/churn/infer", "POST", true),
        (PAGE, models.as_str(), "GET", true),
        ("http://localhost:3000", models.as_str(), "DELETE", true),
        ("http://localhost:3001", models.as_str(), "GET", false),
        ("http://studio.example", models.as_str(), "GET", false),
        ("null", models.as_str(), "GET", false),
    ];
    for (origin, path, method, allowed) in cases {
        let answer = preflight(&api, path, origin, method).await.expect(200);
        let expected = if allowed { origin } else { "" };
        assert_eq!(answer.header("access-control-allow-origin"), expected, "{origin} {path}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "keys are headers, not cookies");
        let (methods, headers) =
            (answer.header("access-control-allow-methods"), answer.header("access-control-allow-headers"));
        for word in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(methods.contains(word), "{methods}");
        }
        for word in [
            "x-api-key",
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "inference-header-content-length",
        ] {
            assert!(headers.contains(word), "{headers}");
        }
        assert_eq!(answer.header("access-control-max-age"), "7200");
        assert!(answer.header("vary").contains("origin"), "{}", answer.header("vary"));
    }
    server.stop().await;
}

#[tokio::test]
async fn other_answers_say_who_may_read_them_and_which_headers() {
    let server = start(&[PAGE]).await;
    let api = server.api();
    for (origin, key, status, allowed) in
        [(PAGE, true, 200, PAGE), (PAGE, false, 401, PAGE), ("https://other.example", true, 200, "")]
    {
        let api = if key { api.clone() } else { api.with_key(None) };
        let request = api.request(Method::GET, &format!("{REGISTRY}/models")).header("origin", origin);
        let answer = api.send(request).await.expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
        let shown = answer.header("access-control-expose-headers");
        for word in ["x-request-id", "etag", "location", "retry-after", "inference-header-content-length"] {
            assert!(shown.contains(word), "{shown}");
        }
    }
    // OPTIONS that is no preflight is a request like any other.
    let request = api.request(Method::OPTIONS, "/livez").header("origin", PAGE);
    api.send(request).await.expect(405);
    server.stop().await;
}

#[tokio::test]
async fn any_origin_may_be_let_in_and_none_is_by_default() {
    let open = start(&["*"]).await;
    let answer = preflight(&open.api(), "/v2", "https://anybody.example", "GET").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    open.stop().await;

    let closed = start(&[]).await;
    let answer = preflight(&closed.api(), "/livez", PAGE, "GET").await.expect(405);
    assert!(!has_cors_headers(&answer), "{:?}", answer.headers);
    let request = closed.api().request(Method::GET, "/livez").header("origin", PAGE);
    let answer = closed.api().send(request).await.expect(200);
    assert!(!has_cors_headers(&answer), "{:?}", answer.headers);
    closed.stop().await;
}
