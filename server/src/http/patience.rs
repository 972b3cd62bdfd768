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
        let mut looks = Looks::from(self, Instant::now());
        loop {
            tokio::time::sleep(between).await;
            if looks.find_lost(Instant::now(), waits) {
                return;
            }
        }
    }
}

/// Looks at what is waited for, one after another.
struct Looks<'a> {
    patience: &'a Patience,
    /// The note that was seen last, and since when.
    seen: u64,
    since: Instant,
}

impl<'a> Looks<'a> {
    /// The first one.
    fn from(patience: &'a Patience, now: Instant) -> Self {
        Self { patience, seen: patience.note.load(Ordering::Relaxed), since: now }
    }

    /// Another one: whether a head has been waited for too long. Wakes who has waited for a body too long.
    fn find_lost(&mut self, now: Instant, waits: Waits) -> bool {
        let note = self.patience.note.load(Ordering::Relaxed);
        if note != self.seen {
            (self.seen, self.since) = (note, now);
            return false;
        }
        let waited = now.saturating_duration_since(self.since);
        match note & KIND {
            HEAD => waited >= waits.head,
            BODY if waited >= waits.body => {
                self.patience.stalled.store(note, Ordering::Release);
                self.patience.reader.wake();
                false
            }
            _ => false,
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
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    const WAITS: Waits = Waits { head: Duration::from_secs(40), body: Duration::from_secs(20) };
    /// Between two looks.
    const BETWEEN: Duration = Duration::from_secs(5);

    /// The wait after which looks find a connection lost, within far longer than it may be.
    fn lost_after(patience: &Patience) -> Option<Duration> {
        let started = Instant::now();
        let mut looks = Looks::from(patience, started);
        (1..100).map(|look| BETWEEN * look).find(|waited| looks.find_lost(started + *waited, WAITS))
    }

    #[test]
    fn a_head_is_waited_for_and_work_is_not() {
        let patience = Patience::default();
        assert_eq!(lost_after(&patience), Some(WAITS.head));
        patience.await_nothing();
        assert_eq!(lost_after(&patience), None);
        patience.await_head();
        assert_eq!(lost_after(&patience), Some(WAITS.head));
    }

    #[tokio::test]
    async fn the_clock_is_looked_at() {
        let waits = Waits { head: Duration::from_millis(40), body: Duration::from_millis(20) };
        let started = Instant::now();
        Patience::default().lost(waits).await;
        assert!(started.elapsed() >= waits.head, "{:?}", started.elapsed());
    }

    #[test]
    fn who_takes_what_it_is_sent_is_not_lost() {
        let patience = Patience::default();
        let started = Instant::now();
        let mut looks = Looks::from(&patience, started);
        for look in 1..100 {
            patience.taken();
            assert!(!looks.find_lost(started + WAITS.head * look, WAITS), "bytes were taken since look {look}");
        }
        patience.await_nothing();
        patience.taken();
        assert_eq!(lost_after(&patience), None);
    }

    /// Counts how often a reader is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_body_that_stalls_is_told_to_its_reader() {
        let (patience, woken) = (Patience::default(), Arc::<Woken>::default());
        let reader = Waker::from(Arc::clone(&woken));
        let started = Instant::now();
        patience.await_nothing();
        let wait = patience.await_body(&reader);
        let mut looks = Looks::from(&patience, started);
        assert!(!looks.find_lost(started + WAITS.body - Duration::from_nanos(1), WAITS));
        assert!(!patience.is_stalled(wait, &reader) && woken.0.load(Ordering::Relaxed) == 0);
        assert!(!looks.find_lost(started + WAITS.body, WAITS), "no head is waited for");
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(patience.is_stalled(wait, &reader));
        patience.body_came(wait);
        assert_ne!(patience.await_body(Waker::noop()), wait);
    }

    #[test]
    fn a_body_that_outlives_its_answer_does_not_hide_the_wait_for_a_head() {
        let patience = Patience::default();
        patience.await_nothing();
        let wait = patience.await_body(Waker::noop());
        patience.await_head();
        patience.body_came(wait);
        patience.await_body(Waker::noop());
        assert_eq!(lost_after(&patience), Some(WAITS.head));
    }
}
