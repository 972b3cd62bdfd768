//! `Idempotency-Key`: a repeat of a POST within 24 h gets the first answer instead of doing the work again.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use crate::http::json::media_type;
use crate::http::problem::{Dialect, render};
use crate::http::registry::actuals;
use crate::http::request_id::RequestId;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde_json::json;
use servoir_registry::{Idempotency, Registry, StoredAnswer};
use servoir_types::{Digest, Kind};
use std::time::Duration;

/// The header that carries the key.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks a repeated answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The most characters of a key.
const KEY_CHARS_MAX: usize = 255;
/// The largest answer that is kept.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// The headers of an answer that are kept.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];
/// Failures that say something of how the request came, not of what it asks: a repeat may do better.
const TRANSPORT_CODES: [&str; 2] = ["body-incomplete", "malformed-multipart"];

/// In a response's extensions: the body to keep instead of the one that is answered, which holds a secret.
#[derive(Debug, Clone)]
pub struct KeepInstead(pub Vec<u8>);

/// The layer around the management routes.
pub async fn layer(State(app): State<SharedApp>, request: Request, next: Next) -> Result<Response, ApiError> {
    let is_post = request.method() == Method::POST;
    let Some(key) = request.headers().get(KEY).filter(|_| is_post).map(checked_key).transpose()? else {
        return Ok(next.run(request).await);
    };
    let Some(Ok(principal)) = request.extensions().get::<Result<Principal, ApiError>>() else {
        return Ok(next.run(request).await);
    };
    let caller = caller(principal);
    let grants = grants(principal);
    let (request, fingerprint) = fingerprinted(&app, request, &grants).await?;
    match app.registry.begin_idempotent(&caller, &key, fingerprint).await? {
        Idempotency::Done(answer) => replay(answer),
        Idempotency::InProgress => Err(in_progress(&key)),
        Idempotency::Mismatch => Err(mismatch(&key)),
        Idempotency::New => {
            let claim = Claim { registry: app.registry.clone(), caller, key, is_settled: false };
            // The work goes on when the caller hangs up: the answer it did not wait for is what the repeat gets.
            match tokio::spawn(claim.settle(request, next)).await {
                Ok(response) => Ok(response),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => Err(ApiError::internal(error)),
            }
        }
    }
}

fn checked_key(value: &HeaderValue) -> Result<String, ApiError> {
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()));
    let key = text.filter(|text| (1..=KEY_CHARS_MAX).contains(&text.len()));
    key.map(str::to_owned).ok_or_else(|| {
        let detail = format!("Idempotency-Key has 1 to {KEY_CHARS_MAX} visible ASCII characters");
        ApiError::malformed("idempotency-key-malformed", detail)
    })
}

/// Whose key it is. Written so that no two callers are written alike.
fn caller(principal: &Principal) -> String {
    json!([principal.organization, principal.subject, principal.credential.as_str()]).to_string()
}

/// What the caller may do: an answer is not repeated to a token of the same subject that may do less.
fn grants(principal: &Principal) -> String {
    let mut scopes = principal.scopes.to_vec();
    scopes.sort_unstable();
    scopes.join(" ")
}

/// What tells one request from another: what its caller may do, where it goes, and what it carries. An upload is known
/// by its length; its boundary is made anew for each attempt and does not count.
async fn fingerprinted(app: &SharedApp, request: Request, grants: &str) -> Result<(Request, Digest), ApiError> {
    let (parts, body) = request.into_parts();
    let media = media_type(&parts.headers);
    let length = parts.headers.get(header::CONTENT_LENGTH).map_or("", |length| length.to_str().unwrap_or_default());
    let mut said = format!("{grants}\n{}\n{}\n{media}\n{length}\n", parts.method, parts.uri);
    let body = if media == "multipart/form-data" {
        body
    } else {
        let limits = BodyLimits {
            bytes_max: buffered_bytes_max(app, parts.uri.path()),
            idle_max: Duration::from_secs(app.config.limits.body_idle_seconds),
            room: &app.bodies,
        };
        let bytes = body::read(body, limits).await?;
        said.push_str(&Digest::of(&bytes).to_hex());
        Body::from(bytes)
    };
    Ok((Request::from_parts(parts, body), Digest::of(said.as_bytes())))
}

fn buffered_bytes_max(app: &SharedApp, path: &str) -> usize {
    let limits = &app.config.limits;
    match path.rsplit('/').next() {
        Some("predict") => limits.predict_body_bytes_max,
        Some("actuals") => limits.management_body_bytes_max.max(actuals::BODY_BYTES_MAX),
        _ => limits.management_body_bytes_max,
    }
}

/// A key that this request has taken and must settle: with an answer, or by giving it back.
struct Claim {
    registry: Registry,
    caller: String,
    key: String,
    is_settled: bool,
}

impl Claim {
    async fn settle(mut self, request: Request, next: Next) -> Response {
        let request_id = request.extensions().get::<RequestId>().cloned();
        let response = next.run(request).await;
        if !is_worth_keeping(&response) {
            return response;
        }
        let (response, answer) = match kept(response, request_id.as_ref()).await {
            (response, Some(answer)) => (response, answer),
            (response, None) => return response,
        };
        // From here on the key is not given back: the work is done, and a repeat must not do it again.
        self.is_settled = true;
        if let Err(error) = self.registry.finish_idempotent(&self.caller, &self.key, answer).await {
            tracing::warn!(%error, "cannot keep the answer of an idempotent request");
        }
        response
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let (registry, caller, key) = (self.registry.clone(), self.caller.clone(), self.key.clone());
        tokio::spawn(async move {
            if let Err(error) = registry.abandon_idempotent(&caller, &key).await {
                tracing::warn!(%error, "cannot give an idempotency key back");
            }
        });
    }
}

/// Answers that a repeat may get: not those about the credential, the load or a broken connection.
fn is_worth_keeping(response: &Response) -> bool {
    let code = response.extensions().get::<ApiError>().map(|error| error.code);
    let is_passing = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    !response.status().is_server_error() && !is_passing && !code.is_some_and(|code| TRANSPORT_CODES.contains(&code))
}

/// The response, and what of it is kept; nothing of one that is too large or of unknown length.
async fn kept(mut response: Response, request_id: Option<&RequestId>) -> (Response, Option<StoredAnswer>) {
    if let (Some(error), Some(request_id)) = (response.extensions().get::<ApiError>(), request_id) {
        let rendered = render(error, Dialect::Problem, request_id);
        return (response, collected(rendered).await.map(|(_, answer)| answer));
    }
    if response.body().size_hint().exact().is_none_or(|length| length > ANSWER_BYTES_MAX) {
        return (response, None);
    }
    let instead = response.extensions_mut().remove::<KeepInstead>();
    let Some((response, mut answer)) = collected(response).await else {
        return (ApiError::internal("a response's body could not be read").into_response(), None);
    };
    if let Some(KeepInstead(body)) = instead {
        answer.body = body;
    }
    (response, Some(answer))
}

async fn collected(response: Response) -> Option<(Response, StoredAnswer)> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.ok()?.to_bytes();
    let answer =
        StoredAnswer { status: parts.status.as_u16(), headers: kept_headers(&parts.headers), body: bytes.to_vec() };
    Some((Response::from_parts(parts, Body::from(bytes)), answer))
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = KEPT_HEADERS.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    kept.collect()
}

fn replay(answer: StoredAnswer) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(ApiError::internal)?;
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(ApiError::internal)?;
        response.headers_mut().insert(name, HeaderValue::try_from(value).map_err(ApiError::internal)?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn in_progress(key: &str) -> ApiError {
    let detail = format!("the first request with the Idempotency-Key '{key}' is still being worked on");
    ApiError { retry_after_seconds: Some(1), ..ApiError::new(Kind::Conflict, "idempotency-in-progress", detail) }
}

fn mismatch(key: &str) -> ApiError {
    let detail = format!("the Idempotency-Key '{key}' was used for another request; a key stands for one request only");
    ApiError::new(Kind::Unprocessable, "idempotency-key-reused", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credential;

    #[test]
    fn callers_are_told_apart_whatever_their_names() {
        let principal = |organization: &str, subject: &str, credential| Principal {
            organization: organization.into(),
            subject: subject.into(),
            scopes: vec!["b".to_owned(), "a".to_owned()].into(),
            credential,
        };
        let one = principal("a", "b\",\"c", Credential::Jwt);
        assert_ne!(caller(&one), caller(&principal("a\",\"b", "c", Credential::Jwt)));
        assert_ne!(caller(&one), caller(&principal("a", "b\",\"c", Credential::ApiKey)));
        assert_eq!(grants(&one), "a b");
    }

    #[test]
    fn keys_are_visible_ascii_of_bounded_length() {
        let long = "k".repeat(255);
        for (key, is_good) in [("a", true), ("{\"x\"}", true), (long.as_str(), true), ("", false), ("a b", false)] {
            assert_eq!(checked_key(&HeaderValue::from_str(key).unwrap()).is_ok(), is_good, "{key}");
        }
        assert!(checked_key(&HeaderValue::from_str(&"k".repeat(256)).unwrap()).is_err());
        assert!(checked_key(&HeaderValue::from_bytes(b"\xff").unwrap()).is_err());
    }

    #[tokio::test]
    async fn a_secret_is_not_kept() {
        let mut response = Response::new(Body::from("secret"));
        response.extensions_mut().insert(KeepInstead(b"nothing".to_vec()));
        let (response, answer) = kept(response, None).await;
        assert_eq!(answer.unwrap().body, b"nothing");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "secret");
    }

    #[test]
    fn only_answers_about_the_request_itself_are_kept() {
        let answer = |kind, code| ApiError::new(kind, code, "").into_response();
        for (kind, code, is_kept) in [
            (Kind::Conflict, "name-taken", true),
            (Kind::Malformed, "validation", true),
            (Kind::Malformed, "body-incomplete", false),
            (Kind::Malformed, "malformed-multipart", false),
            (Kind::Forbidden, "scope-required", false),
            (Kind::Overloaded, "queue-full", false),
            (Kind::Unavailable, "database", false),
        ] {
            assert_eq!(is_worth_keeping(&answer(kind, code)), is_kept, "{code}");
        }
    }
}
