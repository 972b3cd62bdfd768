//! JSON bodies: read under the limits of management calls, unknown fields refused, every failure with its place.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use crate::http::fields::segment;
use axum::body::Body;
use axum::extract::FromRequest;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use servoir_types::Kind;
use std::time::Duration;

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON body that may be left out, which means the type's default.
pub struct OptionalJson<T>(pub T);

/// What a call that takes no parameters may be sent: nothing, or an empty object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned> FromRequest<SharedApp> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, app: &SharedApp) -> Result<Self, ApiError> {
        read(app, request, 0).await.map(Self)
    }
}

/// Reads a JSON body that may be `bytes_max` long, or as long as any body of a management call.
///
/// # Errors
/// 400, 408, 413 or 415, as every JSON body.
pub async fn read<T: DeserializeOwned>(
    app: &SharedApp,
    request: Request<Body>,
    bytes_max: usize,
) -> Result<T, ApiError> {
    let (parts, body) = request.into_parts();
    require_json(&parts.headers)?;
    let usual = limits(app);
    let bytes = body::read(body, BodyLimits { bytes_max: usual.bytes_max.max(bytes_max), ..usual }).await?;
    parse(&bytes)
}

impl<T: DeserializeOwned + Default> FromRequest<SharedApp> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, app: &SharedApp) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(body, limits(app)).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&parts.headers)?;
        parse(&bytes).map(Self)
    }
}

/// The bounds of a management call's body.
pub fn limits(app: &SharedApp) -> BodyLimits<'_> {
    BodyLimits {
        bytes_max: app.config.limits.management_body_bytes_max,
        idle_max: Duration::from_secs(app.config.limits.body_idle_seconds),
        room: &app.bodies,
    }
}

/// The media type without parameters, in lower case; empty when there is none.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// 415 `unsupported-media-type`, naming what came and what is taken.
pub fn unsupported_media_type(came: &str, taken: &str) -> ApiError {
    let came = if came.is_empty() { "no Content-Type".to_owned() } else { format!("Content-Type '{came}'") };
    ApiError::new(Kind::UnsupportedMedia, "unsupported-media-type", format!("the body came with {came}; send {taken}"))
}

fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let media = media_type(headers);
    let is_json = media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"));
    if is_json { Ok(()) } else { Err(unsupported_media_type(&media, "application/json")) }
}

/// Reads a JSON text into a type.
///
/// # Errors
/// 400 `malformed-json` with line and column, or `validation` with a pointer to what does not fit.
pub fn parse<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, ApiError> {
    // Every body is an object; serde would read a struct's fields from an array too, in their order.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::field("", "the body is an array; this call takes an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer(error.path());
        refused(&error.into_inner(), pointer)
    })?;
    deserializer.end().map_err(|error| refused(&error, String::new()))?;
    Ok(value)
}

/// Reads a JSON value that is part of a body into a type; `root` is the pointer to it.
///
/// # Errors
/// 400 `validation` with a pointer to what does not fit.
pub fn from_value<T: DeserializeOwned>(value: serde_json::Value, root: &str) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = format!("{root}{}", pointer(error.path()));
        ApiError::field(pointer, error.into_inner().to_string())
    })
}

fn refused(error: &serde_json::Error, pointer: String) -> ApiError {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let what = text.strip_suffix(&place).unwrap_or(&text);
    if error.is_data() {
        return ApiError::field(pointer, what);
    }
    ApiError::malformed("malformed-json", format!("the body is not valid JSON: {what}{place}"))
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, part| {
        match part {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", segment(key))),
            // A variant's name is the key that an externally tagged enum is written under.
            Segment::Enum { variant } => pointer.push_str(&format!("/{}", segment(variant))),
            Segment::Unknown => {}
        }
        pointer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)] // the fields are only there to be refused
    struct Outer {
        a: Option<Inner>,
        list: Option<Vec<u8>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        n: i64,
    }

    #[test]
    fn a_refusal_points_at_what_is_wrong() {
        let cases = [
            (r#"{"a": {"n": "x"}}"#, "validation", "/a/n", "invalid type: string \"x\", expected i64"),
            (r#"{"b/c": 1}"#, "validation", "/b~1c", "unknown field `b/c`, expected `a` or `list`"),
            (r#"{"a": {"m": 1}}"#, "validation", "/a/m", "unknown field `m`, expected `n`"),
            (r#"{"list": [1, 300]}"#, "validation", "/list/1", "invalid value: integer `300`, expected u8"),
            (r#"{"a": {}}"#, "validation", "/a", "missing field `n`"),
            ("[1]", "validation", "", "the body is an array; this call takes an object"),
        ];
        for (text, code, pointer, detail) in cases {
            let error = parse::<Outer>(&Bytes::from_static(text.as_bytes())).unwrap_err();
            assert_eq!(error.code, code, "{text}");
            assert_eq!(
                (error.fields[0].pointer.as_str(), error.fields[0].detail.as_str()),
                (pointer, detail),
                "{text}"
            );
        }
        for text in ["", "{", "{]", r#"{"a": null} x"#, "nul", "\u{feff}{}"] {
            let error = parse::<Outer>(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
            assert_eq!(error.code, "malformed-json", "{text:?}");
            assert!(error.detail.contains("at line 1 column"), "{}", error.detail);
        }
    }
}
