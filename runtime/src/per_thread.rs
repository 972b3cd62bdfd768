//! A value for each thread that asks, so that threads do not wait for each other and do not share cache lines.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Values for the threads that ask: one each, as long as there are no more threads than values.
pub struct PerThread<T>(Box<[Place<T>]>);

/// On cache lines of its own.
#[repr(align(128))]
struct Place<T>(Mutex<T>);

impl<T> PerThread<T> {
    /// At least one value.
    pub fn new(values: impl Iterator<Item = T>) -> Self {
        Self(values.map(|value| Place(Mutex::new(value))).collect())
    }

    /// How many values there are.
    pub fn places(&self) -> usize {
        self.0.len()
    }

    /// This thread's value; waits for the thread that it shares it with, if any.
    pub fn own(&self) -> MutexGuard<'_, T> {
        locked(&self.0[self.own_place()])
    }

    /// This thread's value, or another that is free; `None` when all are in use.
    pub fn free(&self) -> Option<MutexGuard<'_, T>> {
        let (before, from_own) = self.0.split_at(self.own_place());
        from_own.iter().chain(before).find_map(|place| match place.0.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// All values, one after the other.
    pub fn all(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.0.iter().map(locked)
    }

    fn own_place(&self) -> usize {
        thread_number() % self.0.len()
    }
}

fn locked<T>(place: &Place<T>) -> MutexGuard<'_, T> {
    place.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Threads that may ask at once without waiting for each other.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_keeps_its_value_and_takes_another_while_that_is_in_use() {
        let values = PerThread::new(0..2);
        let own = values.own();
        let other = values.free().expect("the other one");
        assert_ne!(*own, *other);
        assert!(values.free().is_none());
        let mine = *own;
        drop((own, other));
        assert_eq!(*values.own(), mine);
        assert_eq!(values.all().map(|value| *value).sum::<i32>(), 1);
    }
}
