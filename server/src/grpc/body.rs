//! The body of a call that may not stall.

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

/// A request's body; a silence within it that is too long is its end, and the call's failure.
pub struct Attended {
    body: Body,
    idle_max: Duration,
    silence: Pin<Box<Sleep>>,
    call: Arc<Call>,
}

impl Attended {
    /// Reads `body` for a call; no silence may be longer than `idle_seconds`.
    pub fn new(body: Body, idle_seconds: u64, call: Arc<Call>) -> Self {
        let idle_max = Duration::from_secs(idle_seconds);
        Self { body, idle_max, silence: Box::pin(tokio::time::sleep(idle_max)), call }
    }
}

impl hyper::body::Body for Attended {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let until = Instant::now() + self.idle_max;
            self.silence.as_mut().reset(until);
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| tonic::Status::from_error(error.into()))));
        }
        ready!(self.silence.as_mut().poll(context));
        Poll::Ready(Some(Err(self.call.fail(stalled(self.idle_max)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
