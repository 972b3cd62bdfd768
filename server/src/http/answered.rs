//! The body of an answer on its way out of a connection.

use crate::http::unread::Unread;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An answer's body. When it has been handed over, an HTTP/1 connection waits for the next request's head.
pub struct Answered {
    body: Body,
    /// The connection's, over HTTP/1.
    connection: Option<Arc<Unread>>,
}

impl Answered {
    /// A body for a connection over HTTP/1, or for a stream over HTTP/2.
    pub fn new(body: Body, connection: Option<Arc<Unread>>) -> Self {
        Self { body, connection }
    }
}

impl hyper::body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.patience().await_head();
        }
    }
}
