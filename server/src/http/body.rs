//! Reading a request's body under a limit of size and of patience.

use crate::error::ApiError;
use crate::http::buffer::Buffer;
use crate::http::room::Room;
use crate::http::unread::{Broken, Watched};
use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use servoir_types::Kind;
use std::error::Error;
use std::time::Duration;

/// The longest body, in bytes, that is read and decoded on the thread of its connection: JSON of this length takes a
/// fraction of a millisecond.
const SHORT_BYTES_MAX: u64 = 64 * 1024;

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits<'a> {
    /// The most bytes.
    pub bytes_max: usize,
    /// The longest time between two pieces.
    pub idle_max: Duration,
    /// Where its memory is counted.
    pub room: &'a Room,
}

/// A body that is received.
pub trait Received: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Unpin {
    /// Whether it says itself when its client is silent too long.
    fn is_timed(&self) -> bool;
}

impl Received for Watched {
    fn is_timed(&self) -> bool {
        Self::is_timed(self)
    }
}

impl Received for Body {
    fn is_timed(&self) -> bool {
        false
    }
}

/// Whether a body is read and decoded within a moment.
pub fn is_short(body: &impl hyper::body::Body) -> bool {
    body.size_hint().upper().is_some_and(|bytes| bytes <= SHORT_BYTES_MAX)
}

/// Reads a whole body into memory. A body that came in one piece is not copied.
///
/// # Errors
/// 413 `body-too-large`, 408 `body-timeout`, 400 `body-incomplete`, 429 `bodies-too-large`.
pub async fn read(body: impl Received, limits: BodyLimits<'_>) -> Result<Bytes, ApiError> {
    read_aligned(body, limits, 0).await
}

/// The same; what follows the first `head_len` bytes of a body that came in several pieces lies aligned in memory.
///
/// # Errors
/// As [`read`].
pub async fn read_aligned<B: Received>(
    mut body: B,
    limits: BodyLimits<'_>,
    head_len: usize,
) -> Result<Bytes, ApiError> {
    let declared_min = declared_min(&body, limits)?;
    let Some(first) = piece(&mut body, limits).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = Buffer::new(declared_min.max(first.len()), head_len, limits.room);
    whole.extend(&first)?;
    while let Some(bytes) = piece(&mut body, limits).await? {
        if whole.body_len() + bytes.len() > limits.bytes_max {
            return Err(too_large(limits.bytes_max));
        }
        whole.extend(&bytes)?;
    }
    Ok(whole.freeze())
}

/// The fewest bytes that the body says it has. A body that declares its length and is too long is refused before a byte
/// of it is read.
///
/// # Errors
/// 413 `body-too-large`.
pub fn declared_min(body: &impl Received, limits: BodyLimits<'_>) -> Result<usize, ApiError> {
    let declared_min = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared_min > limits.bytes_max { Err(too_large(limits.bytes_max)) } else { Ok(declared_min) }
}

/// The next bytes of a body, `None` at its end; for callers that pass them on as they come.
///
/// # Errors
/// 413 when this piece alone is over the limit, 408 `body-timeout`, 400 `body-incomplete`.
pub async fn piece<B: Received>(body: &mut B, limits: BodyLimits<'_>) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = match body.is_timed() {
            true => body.frame().await,
            false => timely(body, limits.idle_max).await?,
        };
        match frame.map(|frame| frame.map(Frame::into_data)) {
            None => return Ok(None),
            Some(Ok(Ok(bytes))) if bytes.len() > limits.bytes_max => return Err(too_large(limits.bytes_max)),
            Some(Ok(Ok(bytes))) => return Ok(Some(bytes)),
            Some(Ok(Err(_trailers))) => {}
            Some(Err(error)) => return Err(broken(&*error.into(), limits.idle_max)),
        }
    }
}

/// The next frame of a body that does not say itself when it takes too long.
fn timely<B: Received>(
    body: &mut B,
    idle_max: Duration,
) -> impl Future<Output = Result<Option<Result<Frame<Bytes>, B::Error>>, ApiError>> {
    // On the heap, so that bodies that are timed do not carry the room of a timer.
    let frame = Box::pin(tokio::time::timeout(idle_max, body.frame()));
    frame.map_err(move |_| stalled(idle_max))
}

/// Why a body has no end.
fn broken(error: &(dyn Error + 'static), idle_max: Duration) -> ApiError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(Broken::Stalled)) {
            return stalled(idle_max);
        }
        cause = error.source();
    }
    ApiError::malformed("body-incomplete", format!("the body ended before it was whole: {error}"))
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
