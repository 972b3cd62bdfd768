//! Cross-origin requests: which pages' scripts may call the server from a browser. Nobody's, unless configured.

use crate::config::ANY_ORIGIN;
use crate::http::request_id;
use crate::http::unread::Watched;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, Request, header};
use std::convert::Infallible;
use std::time::Duration;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may rely on what a preflight was answered: as long as the strictest of them does.
const PREFLIGHT_AGE_MAX: Duration = Duration::from_secs(7200);

/// What scripts of these origins may do; `None` when there are none. Cookies are never let in: Servoir's credentials are
/// headers, which a script sets itself.
pub fn configured(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let allowed = match origins.iter().any(|origin| origin == ANY_ORIGIN) {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods(methods)
            .allow_headers(taken())
            .expose_headers(shown())
            .max_age(PREFLIGHT_AGE_MAX),
    )
}

/// The headers that a script may send.
fn taken() -> Vec<HeaderName> {
    vec![
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::ACCEPT,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::RANGE,
        HeaderName::from_static("x-api-key"),
        request_id::HEADER,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("inference-header-content-length"),
    ]
}

/// The headers that a script may read.
fn shown() -> Vec<HeaderName> {
    vec![
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        header::CONTENT_DISPOSITION,
        header::CONTENT_RANGE,
        header::WWW_AUTHENTICATE,
        request_id::HEADER,
        HeaderName::from_static("idempotent-replayed"),
        HeaderName::from_static("inference-header-content-length"),
    ]
}

/// Answers a preflight by itself, before anybody is asked for a credential, and any other request through `answer`.
pub async fn around<A>(layer: &CorsLayer, request: Request<Watched>, answer: impl Fn(Request<Watched>) -> A) -> Response
where
    A: Future<Output = Response>,
{
    // The layer takes every OPTIONS for a preflight, and not every one is.
    let asks = [header::ORIGIN, header::ACCESS_CONTROL_REQUEST_METHOD];
    if request.method() == Method::OPTIONS && !asks.iter().all(|name| request.headers().contains_key(name)) {
        return answer(request).await;
    }
    let service = tower::service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    match layer.layer(service).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
