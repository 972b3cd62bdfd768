//! The body of a prediction: its headers and its bytes.

use super::compression::{Coding, Decompressor};
use crate::app::App;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use crate::http::head::Headers;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use servoir_types::Kind;
use std::time::Duration;

/// The header that says how much of a body, before it was compressed, is JSON; tensors in binary form follow.
pub const HEAD_LEN: HeaderName = HeaderName::from_static("inference-header-content-length");

/// A body with tensors.
#[derive(Debug)]
pub struct Received {
    /// The body, decompressed.
    pub bytes: Bytes,
    /// How many of the bytes are JSON, at most all of them; `None`: nothing was said.
    pub head_len: Option<usize>,
}

/// Reads a body of JSON within the server's limits.
///
/// # Errors
/// 415 for a coding that is not known or a media type that is surely no JSON, 413, 408, 400, 429 without room for it.
pub async fn read_json(headers: &Headers<'_>, body: impl body::Received, app: &App) -> Result<Bytes, ApiError> {
    check_json(headers)?;
    collect(headers, body, app, 0).await
}

/// Reads a body of the Open Inference Protocol within the server's limits. Tensors in binary form lie aligned in memory
/// unless the body came in one piece.
///
/// # Errors
/// As [`read_json`]; 400 when the length of the JSON is no number, or more than the body has.
pub async fn read_tensors(headers: &Headers<'_>, body: impl body::Received, app: &App) -> Result<Received, ApiError> {
    check_media(headers, &["multipart/"], "send JSON, or JSON and then tensors in binary form")?;
    let head_len = if headers.has_head_len { head_len(headers.all)? } else { None };
    let bytes = collect(headers, body, app, head_len.unwrap_or(0)).await?;
    if let Some(head_len) = head_len.filter(|&head_len| head_len > bytes.len()) {
        let detail = format!("{HEAD_LEN} is {head_len}, and the body has {} bytes", bytes.len());
        return Err(ApiError::malformed("wrong-head-length", detail));
    }
    Ok(Received { bytes, head_len })
}

fn check_json(headers: &Headers<'_>) -> Result<(), ApiError> {
    if headers.has_head_len {
        let detail = format!("{HEAD_LEN}: this path takes JSON alone; /v2/models/{{model}}/infer takes binary tensors");
        return Err(ApiError::malformed("binary-not-available", detail));
    }
    check_media(headers, &["multipart/", "application/octet-stream"], "send JSON with 'Content-Type: application/json'")
}

/// Clients often leave the media type to their library's default, so only those that surely are something else are refused.
fn check_media(headers: &Headers<'_>, refused: &[&str], advice: &str) -> Result<(), ApiError> {
    let media = headers.content_type.map(HeaderValue::as_bytes).unwrap_or_default();
    let is = |name: &&str| media.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()));
    if refused.iter().any(is) {
        let detail = format!("the body is '{}'; {advice}", String::from_utf8_lossy(media));
        return Err(ApiError::new(Kind::UnsupportedMedia, "unsupported-media-type", detail));
    }
    Ok(())
}

fn head_len(headers: &HeaderMap) -> Result<Option<usize>, ApiError> {
    let mut values = headers.get_all(HEAD_LEN).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let number = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|text| text.parse().ok()) {
        Some(head_len) if values.next().is_none() => Ok(Some(head_len)),
        Some(_) => Err(ApiError::malformed("wrong-head-length", format!("{HEAD_LEN} came twice"))),
        None => {
            let came: String = String::from_utf8_lossy(value.as_bytes()).chars().take(40).collect();
            let detail = format!("{HEAD_LEN} is a number of bytes, '{came}' came");
            Err(ApiError::malformed("wrong-head-length", detail))
        }
    }
}

/// Reads a body and decompresses it on the way. The limit holds for what is sent and for what becomes of it.
async fn collect(
    headers: &Headers<'_>,
    body: impl body::Received,
    app: &App,
    head_len: usize,
) -> Result<Bytes, ApiError> {
    let limits = &app.config.limits;
    let idle_max = Duration::from_secs(limits.body_idle_seconds);
    let limits = BodyLimits { bytes_max: limits.predict_body_bytes_max, idle_max, room: &app.bodies };
    let coding = if headers.is_encoded { Coding::of_body(headers.all)? } else { None };
    match coding {
        None => body::read_aligned(body, limits, head_len).await,
        // On the heap, so that bodies as they are do not carry the room of a decompressor.
        Some(coding) => Box::pin(decompressed(body, coding, limits, head_len)).await,
    }
}

async fn decompressed(
    mut body: impl body::Received,
    coding: Coding,
    limits: BodyLimits<'_>,
    head_len: usize,
) -> Result<Bytes, ApiError> {
    body::declared_min(&body, limits)?;
    let mut decompressor = Decompressor::new(coding, head_len, (limits.bytes_max, limits.room));
    let mut left = limits.bytes_max;
    while let Some(piece) = body::piece(&mut body, limits).await? {
        left = left.checked_sub(piece.len()).ok_or_else(|| body::too_large(limits.bytes_max))?;
        decompressor = decompressor.feed(piece).await?;
    }
    decompressor.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        headers
    }

    #[test]
    fn only_what_cannot_be_json_is_refused() {
        let cases = [
            ("content-type", "application/json", None),
            ("content-type", "application/vnd.x+json; charset=utf-8", None),
            ("content-type", "application/x-www-form-urlencoded", None),
            ("content-type", "text/plain", None),
            ("content-type", "multipart/form-data; boundary=x", Some("unsupported-media-type")),
            ("content-type", "Application/Octet-Stream", Some("unsupported-media-type")),
            ("inference-header-content-length", "80", Some("binary-not-available")),
        ];
        for (name, value, expected) in cases {
            let headers = headers(name, value);
            assert_eq!(check_json(&Headers::of(&headers)).err().map(|error| error.code), expected, "{name}: {value}");
        }
        assert!(check_json(&Headers::of(&HeaderMap::new())).is_ok());
    }

    #[test]
    fn the_length_of_the_json_is_a_number() {
        let cases = [
            ("0", Ok(Some(0))),
            ("80", Ok(Some(80))),
            ("", Err("is a number of bytes, '' came")),
            ("-1", Err("is a number of bytes, '-1' came")),
            ("+1", Err("is a number of bytes, '+1' came")),
            ("99999999999999999999999", Err("is a number of bytes")),
        ];
        for (value, expected) in cases {
            let came = head_len(&headers("inference-header-content-length", value));
            match (came, expected) {
                (Ok(came), Ok(expected)) => assert_eq!(came, expected, "{value}"),
                (Err(error), Err(expected)) => assert!(error.detail.contains(expected), "{}", error.detail),
                (came, expected) => panic!("{value}: {came:?} for {expected:?}"),
            }
        }
        let mut twice = headers("inference-header-content-length", "80");
        twice.append(HEAD_LEN, "80".parse().unwrap());
        assert!(head_len(&twice).is_err());
        assert_eq!(head_len(&HeaderMap::new()).unwrap(), None);
    }
}
