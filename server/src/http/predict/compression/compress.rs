//! An answer, compressed when its caller takes that and it is worth it.

use super::Coding;
use super::accepted::Accepted;
use crate::error::ApiError;
use crate::http::head::Headers;
use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderValue, header};
use std::io::{self, Write as _};

/// Answers of up to this many bytes are compressed where they are written, which costs less than going to another thread.
const INLINE_BYTES_MAX: usize = 16 * 1024;

/// Puts a body into an answer 200, compressed when the request's headers ask for it and it has at least `bytes_min` bytes.
///
/// # Errors
/// None that a caller could cause.
pub async fn compress(headers: &Headers<'_>, bytes_min: usize, body: Vec<u8>) -> Result<Response, ApiError> {
    let worth = body.len() >= bytes_min;
    let accepted = if headers.accepts_encodings { Accepted::of(headers.all) } else { Accepted::AS_IT_IS };
    let Some(coding) = accepted.coding.filter(|_| worth || !accepted.identity) else {
        let mut response = Response::new(Body::from(body));
        if worth {
            vary(&mut response);
        }
        return Ok(response);
    };
    let encoded = if body.len() <= INLINE_BYTES_MAX {
        encode(coding, &body)
    } else {
        tokio::task::spawn_blocking(move || encode(coding, &body)).await.map_err(ApiError::internal)?
    };
    let mut response = Response::new(Body::from(encoded.map_err(ApiError::internal)?));
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    vary(&mut response);
    Ok(response)
}

fn vary(response: &mut Response) {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
}

/// The stream that `body` becomes, made fast rather than small.
pub fn encode(coding: Coding, body: &[u8]) -> io::Result<Vec<u8>> {
    let stream = Vec::with_capacity(body.len() / 2);
    match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(stream, Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(stream, Compression::fast());
            encoder.write_all(body)?;
            encoder.finish()
        }
    }
}
