//! Running here and now: what costs less than handing it over runs on the thread that asks.

use super::instance::Instance;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Instances for the threads that ask: one each, as long as there are no more threads than places.
pub struct Inline {
    /// The most rows of a request that runs here.
    rows_max: usize,
    places: Box<[Place]>,
}

/// On cache lines of its own: the threads shall not wait for each other's.
#[repr(align(128))]
struct Place(Mutex<Instance>);

impl Inline {
    /// At least one instance; requests of up to `rows_max` rows run here.
    pub fn new(rows_max: usize, instances: impl Iterator<Item = Instance>) -> Self {
        Self { rows_max, places: instances.map(|instance| Place(Mutex::new(instance))).collect() }
    }

    /// The most rows of a request that runs here.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// This thread's instance, or another that is free. When all are at work, this waits for its own: no longer than
    /// one run, which is short, or it would not be here.
    pub fn instance(&self) -> MutexGuard<'_, Instance> {
        let own = thread_number() % self.places.len();
        let (before, from_own) = self.places.split_at(own);
        let free = from_own.iter().chain(before).find_map(|place| match place.0.try_lock() {
            Ok(instance) => Some(instance),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        free.unwrap_or_else(|| self.places[own].0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Threads in the order in which they first asked.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    })
}
