//! The body of a call: it may not stall, and takes its room in the memory that all bodies share.

use super::call::Call;
use crate::http::body::stalled;
use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A request's body; a silence within it that is too long is its end, and the call's failure, and so is a message without room.
pub struct Attended {
    body: Body,
    /// How long it may be silent, and since when it is; `None`: as long as its connection lives.
    silence: Option<(Duration, Pin<Box<Sleep>>)>,
    call: Arc<Call>,
}

impl Attended {
    /// Reads `body` for a call; no silence may be longer than `idle_seconds`, where that is given.
    pub fn new(body: Body, idle_seconds: Option<u64>, call: Arc<Call>) -> Self {
        let silence =
            idle_seconds.map(Duration::from_secs).map(|longest| (longest, Box::pin(tokio::time::sleep(longest))));
        Self { body, silence, call }
    }
}

impl hyper::body::Body for Attended {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let Self { body, silence, call } = &mut *self;
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            if let Some((longest, silence)) = silence {
                silence.as_mut().reset(Instant::now() + *longest);
            }
            let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            if let Some(Err(full)) = bytes.map(|bytes| call.see(bytes)) {
                return Poll::Ready(Some(Err(call.fail(full.into()))));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| tonic::Status::from_error(error.into()))));
        }
        let Some((longest, silence)) = silence else { return Poll::Pending };
        ready!(silence.as_mut().poll(context));
        Poll::Ready(Some(Err(call.fail(stalled(*longest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
