//! What is left of a request's body when it was answered without being read.
//!
//! HTTP/1.1 has the next request behind it on the same connection. A client that is refused by its path or its credential
//! is still sending; were the connection cut under it, it would see a broken pipe in place of the answer. So the rest is
//! read and thrown away, up to a bound; past it the answer says that the connection ends.

use crate::http::patience::{BodyWait, Patience};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// The most that is read and thrown away, in bytes.
const BYTES_MAX: u64 = 16 << 20;
/// How long that may take: this part of the longest silence within a body. A client that waits for its answer before it sends the
/// rest is answered then.
const PART_OF_SILENCE: u32 = 10;

/// What the requests of an HTTP/1 connection share, one after the other: a body that was given up, and how long the client
/// is waited for.
#[derive(Default)]
pub struct Unread {
    left: Mutex<Option<Incoming>>,
    patience: Patience,
}

impl Unread {
    /// How long the client is waited for.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Reads what was left of the last request's body, if anything was, of a client that may be silent so long within one.
    /// `false`: there is more than that, and the connection cannot go on.
    pub async fn finish(&self, silence: Duration) -> bool {
        match self.take() {
            None => true,
            // On the heap, so that requests do not carry the room that this seldom takes.
            Some(body) => Box::pin(read_away(body, silence / PART_OF_SILENCE)).await,
        }
    }

    /// Forgets what was left: the client was not asked for it.
    pub fn forget(&self) -> bool {
        self.take().is_some()
    }

    fn take(&self) -> Option<Incoming> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Reads a body to its end. `false`: it is too long, or takes longer than `within`, or breaks.
async fn read_away(mut body: Incoming, within: Duration) -> bool {
    if body.size_hint().lower() > BYTES_MAX {
        return false;
    }
    let rest = async {
        let mut came = 0;
        while let Some(frame) = body.frame().await {
            came += frame.ok()?.data_ref().map_or(0, |bytes| bytes.len() as u64);
            if came > BYTES_MAX {
                return None;
            }
        }
        Some(())
    };
    matches!(tokio::time::timeout(within, rest).await, Ok(Some(())))
}

/// A request's body. Over HTTP/1 it is not lost when nobody reads it, and it ends with [`Broken::Stalled`] when the client
/// is silent too long.
pub struct Watched {
    /// `None` once it has ended.
    body: Option<Incoming>,
    /// The connection's, over HTTP/1.
    unread: Option<Arc<Unread>>,
    /// Since when more of the body is waited for.
    wait: Option<BodyWait>,
}

/// Why a body has no end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The client broke it off, or the rules of HTTP.
    #[error(transparent)]
    Off(#[from] hyper::Error),
    /// The client was silent too long.
    #[error("no byte of it came in time")]
    Stalled,
}

impl Watched {
    /// The body of a request on a connection over HTTP/1.
    pub fn http1(body: Incoming, unread: &Arc<Unread>) -> Self {
        Self { body: Some(body), unread: Some(Arc::clone(unread)), wait: None }
    }

    /// The body of a request on a stream over HTTP/2, which cuts nothing but itself short.
    pub fn http2(body: Incoming) -> Self {
        Self { body: Some(body), unread: None, wait: None }
    }

    /// Whether the body itself says when its client is silent too long.
    pub fn is_timed(&self) -> bool {
        self.unread.is_some()
    }

    /// Notes that more is waited for, and says whether that has gone on for too long.
    fn wait(&mut self, context: &Context<'_>) -> bool {
        let Some(unread) = &self.unread else { return false };
        match self.wait {
            Some(wait) => unread.patience.is_stalled(wait, context.waker()),
            None => {
                self.wait = Some(unread.patience.await_body(context.waker()));
                false
            }
        }
    }

    fn came(&mut self) {
        if let (Some(unread), Some(wait)) = (&self.unread, self.wait.take()) {
            unread.patience.body_came(wait);
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(body).poll_frame(context) else {
            return if self.wait(context) { Poll::Ready(Some(Err(Broken::Stalled))) } else { Poll::Pending };
        };
        self.came();
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Broken::Off)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.came();
        if let Some(unread) = &self.unread
            && let Some(body) = self.body.take().filter(|body| !body.is_end_stream())
        {
            *unread.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
