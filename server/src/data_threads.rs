//! The threads that connections live on. Each has a runtime of its own, so that what a connection does never crosses to
//! another thread, and a request that is answered from memory wakes nobody.
//!
//! What takes long, or waits for a database, does not belong here: one thread has many connections. It goes to the
//! runtime that the server was started on, whose threads share their work.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Descriptors that each thread has open before there is any connection: its poller twice (for who waits and who registers), what
/// wakes it, and where signals are told.
pub const DESCRIPTORS_PER_THREAD: u64 = 4;

/// The threads of a server.
pub struct DataThreads {
    threads: Vec<DataThread>,
    stop: CancellationToken,
    joins: Vec<JoinHandle<()>>,
}

/// One of them.
#[derive(Clone)]
pub struct DataThread {
    runtime: Handle,
    /// Connections that live here.
    connections: Arc<AtomicUsize>,
}

impl DataThreads {
    /// Starts `count` threads, at least one.
    ///
    /// # Errors
    /// When the system has no threads to give.
    pub fn start(count: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let mut started = Self { threads: Vec::new(), stop, joins: Vec::new() };
        for index in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            started.threads.push(DataThread { runtime: runtime.handle().clone(), connections: Arc::default() });
            let stop = started.stop.clone();
            let thread = std::thread::Builder::new().name(format!("servoir-data-{index}"));
            started.joins.push(thread.spawn(move || runtime.block_on(stop.cancelled()))?);
        }
        Ok(started)
    }

    /// The threads, for who gives them connections.
    pub fn all(&self) -> Vec<DataThread> {
        self.threads.clone()
    }

    /// Ends what still lives there, and the threads.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let joins = std::mem::take(&mut self.joins);
        let joined = tokio::task::spawn_blocking(move || joins.into_iter().all(|thread| thread.join().is_ok())).await;
        if !joined.unwrap_or(false) {
            tracing::error!("a thread of connections ended abnormally");
        }
    }
}

impl Drop for DataThreads {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl DataThread {
    /// The one of `threads` that the fewest connections live on, the first among equals.
    pub fn least_loaded(threads: &[Self]) -> Option<&Self> {
        threads.iter().min_by_key(|thread| thread.connections.load(Ordering::Relaxed))
    }

    /// Its runtime.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Counts a connection for as long as the guard lives.
    pub fn settle(&self) -> Settled {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Settled(Arc::clone(&self.connections))
    }
}

/// A connection that lives on a thread.
pub struct Settled(Arc<AtomicUsize>);

impl Drop for Settled {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_thread_has_as_many_descriptors_as_are_reckoned_with() {
        // Far more threads than anything else that this process might open meanwhile.
        const THREADS: u64 = 64;
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        let before = open();
        let threads = DataThreads::start(THREADS as usize).unwrap();
        let of_each = (open() - before) as f64 / THREADS as f64;
        assert_eq!(of_each.round() as u64, DESCRIPTORS_PER_THREAD, "{of_each}");
        threads.stop().await;
    }

    #[tokio::test]
    async fn connections_are_spread_and_counted() {
        let threads = DataThreads::start(2).unwrap();
        let all = threads.all();
        let place =
            |least: &DataThread| all.iter().position(|thread| Arc::ptr_eq(&thread.connections, &least.connections));
        let mut settled = Vec::new();
        for expected in [0, 1, 0, 1] {
            let least = DataThread::least_loaded(&all).unwrap();
            assert_eq!(place(least), Some(expected));
            settled.push(least.settle());
        }
        settled.remove(1);
        assert_eq!(place(DataThread::least_loaded(&all).unwrap()), Some(1));
        let name = all[1].runtime().spawn(async { std::thread::current().name().map(str::to_owned) }).await.unwrap();
        assert_eq!(name.as_deref(), Some("servoir-data-1"));
        threads.stop().await;
        assert!(all[1].runtime().spawn(async {}).await.unwrap_err().is_cancelled());
    }
}
