//! A request's body on its way into the multipart parser: bounded in time, and in how far the parser may read ahead.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// The most bytes that the parser may take in without giving anything out.
pub const AHEAD_BYTES_MAX: usize = 4 << 20;

/// How many bytes the parser has taken since it last gave something out.
#[derive(Debug, Clone, Default)]
pub struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    /// The parser has given something out.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A body that hands out one piece per poll.
///
/// The parser takes from its source for as long as it has something, so that a fast sender could fill the memory; a
/// source that rests after each piece lets the reader take what is parsed first.
struct Metered {
    body: BodyDataStream,
    ahead: Ahead,
    rests: bool,
}

/// Wraps a body; `ahead` is to be reset by the reader.
pub fn meter(body: Body, ahead: Ahead) -> Body {
    Body::from_stream(Metered { body: body.into_data_stream(), ahead, rests: false })
}

impl Stream for Metered {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(bytes))) = &piece {
            self.rests = true;
            let ahead = self.ahead.0.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
            if ahead > AHEAD_BYTES_MAX {
                let detail = format!("{AHEAD_BYTES_MAX} bytes came without a complete part header");
                return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(detail)))));
            }
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    #[tokio::test]
    async fn a_reader_that_gives_nothing_out_is_stopped() {
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 20])));
        let mut body = meter(Body::from_stream(endless), Ahead::default()).into_data_stream();
        let mut taken = 0;
        while let Some(Ok(piece)) = body.next().await {
            taken += piece.len();
        }
        assert_eq!(taken, AHEAD_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_reader_that_keeps_up_gets_everything() {
        let pieces = stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![0; 1 << 20]))));
        let ahead = Ahead::default();
        let mut body = meter(Body::from_stream(pieces), ahead.clone()).into_data_stream();
        let mut taken = 0;
        while let Some(piece) = body.next().await {
            taken += piece.unwrap().len();
            ahead.reset();
        }
        assert_eq!(taken, 20 << 20);
    }
}
