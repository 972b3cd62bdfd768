//! How long an HTTP/1 connection waits for its client. There is no timer for each request: what is waited for is noted,
//! which costs a store, and one look a few times within the longest wait finds what has been noted for too long.

use futures_util::task::AtomicWaker;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked within the shorter of the two waits. A client is given that much longer at most, and never less.
const LOOKS: u32 = 4;

/// What is waited for, in the lowest bits of a note; the others count notes, so that no two are the same.
const KIND: u64 = 0b11;
/// A request's head, or that the client takes what it is sent.
const HEAD: u64 = 0;
/// More of a request's body.
const BODY: u64 = 1;
/// Nothing: the server is at work.
const NOTHING: u64 = 2;

/// What a connection waits for. At first, a head.
#[derive(Default)]
pub struct Patience {
    note: AtomicU64,
    /// The wait for a body that has been too long.
    stalled: AtomicU64,
    /// Who waits for a body.
    reader: AtomicWaker,
}

/// A wait for more of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyWait(u64);

/// The longest waits.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For a request's head.
    pub head: Duration,
    /// For more of a body.
    pub body: Duration,
}

impl Patience {
    /// A head is waited for from now on.
    pub fn await_head(&self) {
        self.note.store(next(self.note.load(Ordering::Relaxed), HEAD), Ordering::Relaxed);
    }

    /// Nothing is waited for from now on.
    pub fn await_nothing(&self) {
        self.note.store(next(self.note.load(Ordering::Relaxed), NOTHING), Ordering::Relaxed);
    }

    /// The client has taken bytes: should a head be waited for, it is waited for anew.
    pub fn taken(&self) {
        let note = self.note.load(Ordering::Relaxed);
        if note & KIND == HEAD {
            let _ = self.note.compare_exchange(note, next(note, HEAD), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// More of a body is waited for from now on; `reader` is woken when that takes too long.
    pub fn await_body(&self, reader: &Waker) -> BodyWait {
        self.reader.register(reader);
        let note = self.note.load(Ordering::Relaxed);
        let wait = next(note, BODY);
        // A body that is read on another thread may outlive its answer: then a head is waited for, and that stays.
        if note & KIND == NOTHING {
            let _ = self.note.compare_exchange(note, wait, Ordering::Relaxed, Ordering::Relaxed);
        }
        BodyWait(wait)
    }

    /// Whether a wait goes on and has been too long. It goes on.
    pub fn is_stalled(&self, wait: BodyWait, reader: &Waker) -> bool {
        self.reader.register(reader);
        self.stalled.load(Ordering::Acquire) == wait.0
    }

    /// A wait has ended.
    pub fn body_came(&self, wait: BodyWait) {
        let _ = self.note.compare_exchange(wait.0, next(wait.0, NOTHING), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Ends when a head has been waited for too long. Until then, wakes whoever has waited for a body too long.
    pub async fn lost(&self, waits: Waits) {
        let between = waits.head.min(waits.body) / LOOKS;
        let (mut seen, mut since) = (self.note.load(Ordering::Relaxed), Instant::now());
        loop {
            tokio::time::sleep(between).await;
            let now = self.note.load(Ordering::Relaxed);
            if now != seen {
                (seen, since) = (now, Instant::now());
                continue;
            }
            match now & KIND {
                HEAD if since.elapsed() >= waits.head => return,
                BODY if since.elapsed() >= waits.body => {
                    self.stalled.store(now, Ordering::Release);
                    self.reader.wake();
                }
                _ => {}
            }
        }
    }
}

/// The note behind `note`.
const fn next(note: u64, kind: u64) -> u64 {
    (note & !KIND).wrapping_add(KIND + 1) | kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    const WAITS: Waits = Waits { head: Duration::from_millis(40), body: Duration::from_millis(20) };

    /// Whether a connection is lost within far longer than it may be waited for, and not before the wait is over.
    async fn is_lost(patience: &Patience) -> bool {
        let started = Instant::now();
        let lost = tokio::time::timeout(WAITS.head * 10, patience.lost(WAITS)).await.is_ok();
        assert!(!lost || started.elapsed() >= WAITS.head, "{:?}", started.elapsed());
        lost
    }

    #[tokio::test]
    async fn a_head_is_waited_for_and_work_is_not() {
        let patience = Patience::default();
        assert!(is_lost(&patience).await);
        patience.await_nothing();
        assert!(!is_lost(&patience).await);
        patience.await_head();
        assert!(is_lost(&patience).await);
    }

    #[tokio::test]
    async fn who_takes_what_it_is_sent_is_not_lost() {
        let patience = Patience::default();
        let taking = async {
            for _ in 0..100 {
                tokio::time::timeout(WAITS.head / 10, std::future::pending::<()>()).await.unwrap_err();
                patience.taken();
            }
        };
        tokio::select! {
            () = taking => {}
            () = patience.lost(WAITS) => panic!("the client took bytes all the time"),
        }
        patience.await_nothing();
        patience.taken();
        assert!(!is_lost(&patience).await);
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_told_to_its_reader() {
        let patience = Patience::default();
        patience.await_nothing();
        let mut wait = None;
        let stalled = std::future::poll_fn(|context| {
            let wait = *wait.get_or_insert_with(|| patience.await_body(context.waker()));
            if patience.is_stalled(wait, context.waker()) { Poll::Ready(wait) } else { Poll::Pending }
        });
        let wait = tokio::select! {
            wait = stalled => wait,
            () = patience.lost(WAITS) => panic!("no head was waited for"),
        };
        patience.body_came(wait);
        assert_ne!(patience.await_body(Waker::noop()), wait);
    }

    #[tokio::test]
    async fn a_body_that_outlives_its_answer_does_not_hide_the_wait_for_a_head() {
        let patience = Patience::default();
        patience.await_nothing();
        let wait = patience.await_body(Waker::noop());
        patience.await_head();
        patience.body_came(wait);
        patience.await_body(Waker::noop());
        assert!(is_lost(&patience).await);
    }
}
