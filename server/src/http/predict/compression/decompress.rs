//! A body that comes compressed, decoded as its pieces come and never beyond its limit.

use super::Coding;
use crate::error::ApiError;
use crate::http::body;
use crate::http::buffer::Buffer;
use crate::http::room::{Full, Room};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, Write};

/// Pieces of up to this many bytes are decoded where they are read, which costs less than going to another thread. They
/// become a thousand times as much at the very most, in a few milliseconds.
const INLINE_BYTES_MAX: usize = 4 * 1024;
/// What is decoded at a time, in bytes.
const CHUNK_BYTES: usize = 32 * 1024;

/// A body that is being decoded.
pub struct Decompressor {
    coding: Coding,
    stream: Stream,
}

enum Stream {
    /// One or several members, one behind the other.
    Gzip(Box<MultiGzDecoder<Bounded>>),
    Zlib(Box<Zlib>),
}

struct Zlib {
    inflate: Decompress,
    ended: bool,
    body: Bounded,
}

/// What was decoded, which is refused when it becomes too much.
struct Bounded {
    buffer: Buffer,
    bytes_max: usize,
}

impl Decompressor {
    /// Nothing yet. Of what is decoded, the part behind `head_len` bytes will lie aligned, and more than `bytes_max` bytes
    /// are refused.
    pub fn new(coding: Coding, head_len: usize, (bytes_max, room): (usize, &Room)) -> Self {
        let body = Bounded { buffer: Buffer::new(CHUNK_BYTES.min(bytes_max), head_len, room), bytes_max };
        let stream = match coding {
            Coding::Gzip => Stream::Gzip(Box::new(MultiGzDecoder::new(body))),
            Coding::Deflate => Stream::Zlib(Box::new(Zlib { inflate: Decompress::new(true), ended: false, body })),
        };
        Self { coding, stream }
    }

    /// Decodes a piece; a large one on another thread.
    ///
    /// # Errors
    /// 413 as soon as the limit is passed; 429 without room for it; 400 `body-encoding` when the piece is no part of such a stream.
    pub async fn feed(mut self, piece: Bytes) -> Result<Self, ApiError> {
        if piece.len() <= INLINE_BYTES_MAX {
            self.decode(&piece)?;
            return Ok(self);
        }
        let decoding = tokio::task::spawn_blocking(move || self.decode(&piece).map(|()| self));
        decoding.await.map_err(ApiError::internal)?
    }

    fn decode(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        let decoded = match &mut self.stream {
            Stream::Gzip(decoder) => decoder.write_all(piece),
            Stream::Zlib(zlib) => zlib.decode(piece),
        };
        decoded.map_err(|error| self.refused(&error))
    }

    /// The body, when the stream has come to its end.
    ///
    /// # Errors
    /// 400 `body-encoding` when it has not; 413.
    pub fn finish(self) -> Result<Bytes, ApiError> {
        let coding = self.coding;
        let finished = match self.stream {
            Stream::Gzip(decoder) => decoder.finish(),
            Stream::Zlib(zlib) if zlib.ended => Ok(zlib.body),
            Stream::Zlib(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        finished.map(|body| body.buffer.freeze()).map_err(|error| refused(coding, &error))
    }

    fn refused(&self, error: &io::Error) -> ApiError {
        refused(self.coding, error)
    }
}

fn refused(coding: Coding, error: &io::Error) -> ApiError {
    if let Some(TooLarge { bytes_max }) = error.get_ref().and_then(|cause| cause.downcast_ref()) {
        return body::too_large(*bytes_max);
    }
    if let Some(full) = error.get_ref().and_then(|cause| cause.downcast_ref::<Full>()) {
        return (*full).into();
    }
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the stream ends before it is whole".to_owned(),
        _ => error.to_string(),
    };
    ApiError::malformed("body-encoding", format!("the body does not decode as {}: {detail}", coding.as_str()))
}

impl Zlib {
    fn decode(&mut self, mut piece: &[u8]) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let moved = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
        let mut given = chunk.len();
        // As long as a chunk is filled there may be more, even when all that came has been taken in.
        while !self.ended && given == chunk.len() {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(piece, &mut chunk, FlushDecompress::None)?;
            piece = &piece[moved(self.inflate.total_in(), read)..];
            given = moved(self.inflate.total_out(), written);
            self.body.write_all(&chunk[..given])?;
            self.ended = status == Status::StreamEnd;
        }
        if piece.is_empty() { Ok(()) } else { Err(io::Error::other("there are bytes behind the end of the stream")) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is larger than {bytes_max} bytes")]
struct TooLarge {
    bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.bytes_max - self.buffer.body_len() {
            return Err(io::Error::other(TooLarge { bytes_max: self.bytes_max }));
        }
        self.buffer.extend(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::compress::encode;
    use super::*;

    fn decoded(coding: Coding, stream: &[u8], piece_len: usize, bytes_max: usize) -> Result<Bytes, ApiError> {
        let mut decompressor = Decompressor::new(coding, 3, (bytes_max, &Room::new(1 << 20)));
        for piece in stream.chunks(piece_len) {
            decompressor.decode(piece)?;
        }
        decompressor.finish()
    }

    #[test]
    fn bodies_come_back_however_they_are_cut() {
        let body: Vec<u8> = (0..100_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for coding in [Coding::Gzip, Coding::Deflate] {
            let stream = encode(coding, &body).unwrap();
            for piece_len in [1, 1000, stream.len()] {
                assert_eq!(decoded(coding, &stream, piece_len, body.len()).unwrap(), body, "{coding:?}");
            }
            assert_eq!(decoded(coding, &encode(coding, b"").unwrap(), 1, 0).unwrap(), Bytes::new());
        }
        let members = [encode(Coding::Gzip, b"one ").unwrap(), encode(Coding::Gzip, b"two").unwrap()].concat();
        assert_eq!(decoded(Coding::Gzip, &members, 5, 100).unwrap(), &b"one two"[..]);
    }

    #[test]
    fn what_is_broken_or_too_large_is_refused() {
        for coding in [Coding::Gzip, Coding::Deflate] {
            let stream = encode(coding, &[b'a'; 100_000]).unwrap();
            let mut behind = stream.clone();
            behind.extend_from_slice(b"more");
            let mut flipped = stream.clone();
            *flipped.last_mut().unwrap() ^= 1;
            let cases = [
                (&stream[..], 99_999, "body-too-large"),
                (&stream[..stream.len() - 1], 100_000, "body-encoding"),
                (&stream[..1], 100_000, "body-encoding"),
                (&[], 100_000, "body-encoding"),
                (&behind, 100_000, "body-encoding"),
                (&flipped, 100_000, "body-encoding"),
                (br#"{"inputs": []}"#, 100_000, "body-encoding"),
            ];
            for (stream, bytes_max, code) in cases {
                let error = decoded(coding, stream, 4096, bytes_max).unwrap_err();
                assert_eq!(error.code, code, "{coding:?}, {} bytes: {}", stream.len(), error.detail);
            }
        }
    }
}
