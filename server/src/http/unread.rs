//! What is left of a request's body when it was answered without being read.
//!
//! HTTP/1.1 has the next request behind it on the same connection. A client that is refused by its path or its credential
//! is still sending; were the connection cut under it, it would see a broken pipe in place of the answer. So the rest is
//! read and thrown away, up to a bound; past it the answer says that the connection ends.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The most that is read and thrown away, in bytes.
const BYTES_MAX: u64 = 16 << 20;
/// How long that may take. A client that waits for its answer before it sends the rest is answered then.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The place of one connection for a body that was given up. HTTP/1.1 has one request at a time.
#[derive(Clone, Default)]
pub struct Unread(Arc<Mutex<Option<Incoming>>>);

impl Unread {
    /// A request's body; what is left of it when it is dropped comes back here.
    pub fn watch(&self, body: Incoming) -> Watched {
        Watched { body: Some(body), unread: self.clone() }
    }

    /// Reads what was left of the last request's body, if anything was. `false`: there is more than that, and the
    /// connection cannot go on.
    pub async fn finish(&self) -> bool {
        let Some(mut body) = self.take() else { return true };
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
        matches!(tokio::time::timeout(WAIT_MAX, rest).await, Ok(Some(())))
    }

    /// Forgets what was left: the client was not asked for it.
    pub fn forget(&self) -> bool {
        self.take().is_some()
    }

    fn take(&self) -> Option<Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A request's body that is not lost when nobody reads it.
pub struct Watched {
    /// `None` once it has ended.
    body: Option<Incoming>,
    unread: Unread,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
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
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.unread.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
