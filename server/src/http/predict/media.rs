//! The body of a prediction: its headers and its bytes.

use crate::config::Limits;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use servoir_types::Kind;
use std::time::Duration;

/// The header that announces tensors in binary form.
const BINARY_HEADER: &str = "inference-header-content-length";

/// Said wherever a request asks for tensors in binary form.
pub const NO_BINARY: &str = "binary tensors are not available over this release; send and ask for JSON";

/// Reads a body of JSON within the server's limits.
///
/// # Errors
/// 415 for an encoding or a media type that is surely no JSON, 413, 408, 400.
pub async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, ApiError> {
    check(headers)?;
    let idle_max = Duration::from_secs(limits.body_idle_seconds);
    body::read(body, BodyLimits { bytes_max: limits.predict_body_bytes_max, idle_max }).await
}

/// Clients often leave the media type to their library's default, so only those that cannot be JSON are refused.
fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(BINARY_HEADER) {
        return Err(ApiError::malformed("binary-not-available", format!("{BINARY_HEADER}: {NO_BINARY}")));
    }
    let unsupported = |code, detail| Err(ApiError::new(Kind::UnsupportedMedia, code, detail));
    for encoding in headers.get_all(header::CONTENT_ENCODING) {
        if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") {
            let encoding = String::from_utf8_lossy(encoding.as_bytes());
            let detail = format!("the body is encoded as '{encoding}'; send it without Content-Encoding");
            return unsupported("unsupported-encoding", detail);
        }
    }
    let media = headers.get(header::CONTENT_TYPE).map(|media| media.as_bytes()).unwrap_or_default();
    let is = |name: &str| media.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
    if is("multipart/") || is("application/octet-stream") {
        let media = String::from_utf8_lossy(media);
        let detail = format!("the body is '{media}'; send JSON with 'Content-Type: application/json'");
        return unsupported("unsupported-media-type", detail);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn only_what_cannot_be_json_is_refused() {
        let cases = [
            ("content-type", "application/json", None),
            ("content-type", "application/vnd.x+json; charset=utf-8", None),
            ("content-type", "application/x-www-form-urlencoded", None),
            ("content-type", "text/plain", None),
            ("content-type", "multipart/form-data; boundary=x", Some("unsupported-media-type")),
            ("content-type", "Application/Octet-Stream", Some("unsupported-media-type")),
            ("content-encoding", "identity", None),
            ("content-encoding", "gzip", Some("unsupported-encoding")),
            ("inference-header-content-length", "80", Some("binary-not-available")),
        ];
        for (name, value, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            assert_eq!(check(&headers).err().map(|error| error.code), expected, "{name}: {value}");
        }
        assert!(check(&HeaderMap::new()).is_ok());
    }
}
