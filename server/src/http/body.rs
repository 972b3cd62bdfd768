//! Reading a request's body under a limit of size and of patience.

use crate::error::ApiError;
use crate::http::buffer::Buffer;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use servoir_types::Kind;
use std::time::Duration;

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// The most bytes.
    pub bytes_max: usize,
    /// The longest time between two pieces.
    pub idle_max: Duration,
}

/// Reads a whole body into memory. A body that came in one piece is not copied.
///
/// # Errors
/// 413 `body-too-large`, 408 `body-timeout`, 400 `body-incomplete`.
pub async fn read(body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    read_aligned(body, limits, 0).await
}

/// The same; what follows the first `head_len` bytes of a body that came in several pieces lies aligned in memory.
///
/// # Errors
/// As [`read`].
pub async fn read_aligned(mut body: Body, limits: BodyLimits, head_len: usize) -> Result<Bytes, ApiError> {
    let declared_min = declared_min(&body, limits)?;
    let Some(first) = piece(&mut body, limits).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = Buffer::new(declared_min.max(first.len()), head_len);
    whole.extend(&first);
    while let Some(bytes) = piece(&mut body, limits).await? {
        if whole.body_len() + bytes.len() > limits.bytes_max {
            return Err(too_large(limits.bytes_max));
        }
        whole.extend(&bytes);
    }
    Ok(whole.freeze())
}

/// The fewest bytes that the body says it has. A body that declares its length and is too long is refused before a byte
/// of it is read.
///
/// # Errors
/// 413 `body-too-large`.
pub fn declared_min(body: &Body, limits: BodyLimits) -> Result<usize, ApiError> {
    let declared_min = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared_min > limits.bytes_max { Err(too_large(limits.bytes_max)) } else { Ok(declared_min) }
}

/// The next bytes of a body, `None` at its end; for callers that pass them on as they come.
///
/// # Errors
/// 413 when this piece alone is over the limit, 408 `body-timeout`, 400 `body-incomplete`.
pub async fn piece(body: &mut Body, limits: BodyLimits) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = tokio::time::timeout(limits.idle_max, body.frame()).await.map_err(|_| stalled(limits.idle_max))?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|error| {
            let detail = format!("the body ended before it was whole: {error}");
            ApiError::malformed("body-incomplete", detail)
        })?;
        match frame.into_data() {
            Ok(bytes) if bytes.len() > limits.bytes_max => return Err(too_large(limits.bytes_max)),
            Ok(bytes) => return Ok(Some(bytes)),
            Err(_trailers) => {}
        }
    }
}

/// 413 `body-too-large`, naming the limit.
pub fn too_large(limit_bytes: usize) -> ApiError {
    ApiError::new(Kind::TooLarge, "body-too-large", format!("the body is larger than the limit of {limit_bytes} bytes"))
}

/// 408 `body-timeout`.
pub fn stalled(idle_max: Duration) -> ApiError {
    let detail = format!("no byte of the body came for {} s", idle_max.as_secs());
    ApiError::new(Kind::BodyTimeout, "body-timeout", detail)
}
