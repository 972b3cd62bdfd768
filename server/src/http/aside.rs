//! A future beside another in one task, polled only when it was itself what woke the task.
//!
//! A connection's task wakes for every request; what goes on beside its requests (the server's end, a client's silence)
//! happens seldom, and asking after it each time costs more than finding a route does.

use futures_util::task::AtomicWaker;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A future and whether it wants to be polled.
pub struct Aside<F> {
    future: Pin<Box<F>>,
    called: Arc<Called>,
    waker: Waker,
}

struct Called {
    /// Whether the future was woken since it was polled.
    woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Called {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F: Future> Aside<F> {
    /// Wants to be polled once.
    pub fn new(future: F) -> Self {
        let called = Arc::new(Called { woken: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { future: Box::pin(future), waker: Waker::from(Arc::clone(&called)), called }
    }

    /// Polls the future if it was woken. After it has ended this must not be called again.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<F::Output> {
        // Registered before looking, so that a call in between is not missed.
        self.called.task.register(context.waker());
        if !self.called.woken.load(Ordering::Relaxed) || !self.called.woken.swap(false, Ordering::Acquire) {
            return Poll::Pending;
        }
        self.future.as_mut().poll(&mut Context::from_waker(&self.waker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_never_else() {
        let (call, called) = oneshot::channel::<()>();
        let polls = AtomicUsize::new(0);
        let mut called = Box::pin(called);
        let mut aside = Aside::new(poll_fn(|context| {
            polls.fetch_add(1, Ordering::Relaxed);
            called.as_mut().poll(context)
        }));
        for _ in 0..10 {
            let polled = poll_fn(|context| Poll::Ready(aside.poll(context).is_ready())).await;
            assert!(!polled);
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        tokio::spawn(async move { call.send(()) });
        poll_fn(|context| aside.poll(context)).await.expect("it was called");
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }
}
