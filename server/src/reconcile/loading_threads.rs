//! The threads that load models: always the same few.
//!
//! An engine's allocations stay with the thread that made them. On threads that come and go, each load would leave another
//! corner of memory half used; on these, the next load finds what the last one freed. They stand back for the threads that answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, oneshot};

type Load = Box<dyn FnOnce() + Send>;

/// How far the threads stand back, as `nice` has it: beside one that answers such a thread gets a tenth of a processor, and alone
/// all of it.
const NICE: i32 = 10;

/// A few threads that take one load at a time. They end when this is dropped.
pub struct LoadingThreads {
    loads: Sender<Load>,
    /// As many loads are handed over as there are threads; the others wait here.
    turns: Semaphore,
}

impl LoadingThreads {
    /// Starts `count` threads; with fewer when the system has no more to give, and at least one.
    ///
    /// # Panics
    /// When the system cannot start a single thread.
    pub fn start(count: usize) -> Self {
        let (loads, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let started = (0..count).filter(|number| {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("servoir-load-{number}"));
            thread.spawn(move || work(&waiting)).is_ok()
        });
        let started = started.count();
        assert!(started > 0, "the system cannot start a thread to load models on");
        Self { loads, turns: Semaphore::new(started) }
    }

    /// Runs a load on one of the threads. `None` when it panicked.
    pub async fn run<T: Send + 'static>(&self, load: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.turns.acquire().await.ok()?;
        let (reply, answer) = oneshot::channel();
        let load: Load = Box::new(move || drop(reply.send(load())));
        self.loads.send(load).ok()?;
        answer.await.ok()
    }
}

fn work(waiting: &Mutex<Receiver<Load>>) {
    // Elsewhere than on Linux the whole process would stand back; where the system refuses it, loads run as everything does.
    if cfg!(target_os = "linux") {
        let _ = rustix::process::nice(NICE);
    }
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(load) = next else { return };
        if catch_unwind(AssertUnwindSafe(load)).is_err() {
            tracing::error!("a load panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_load_that_panics_harms_no_other() {
        let threads = LoadingThreads::start(1);
        assert_eq!(threads.run(|| 1).await, Some(1));
        assert_eq!(threads.run(|| -> i32 { panic!("on purpose") }).await, None);
        let name = threads.run(|| std::thread::current().name().map(str::to_owned)).await;
        assert_eq!(name.flatten().as_deref(), Some("servoir-load-0"));
    }
}
