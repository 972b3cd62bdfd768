//! A value for each thread that asks, so that threads do not wait for each other and do not share cache lines.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Values for the threads that ask: one each, as long as there are no more threads than values.
pub struct PerThread<T>(Box<[Place<T>]>);

/// A value while a thread has it.
pub struct Taken<'a, T> {
    /// Its number.
    pub number: usize,
    /// The value.
    pub value: MutexGuard<'a, T>,
    /// Whether it was waited for.
    pub has_waited: bool,
}

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

    /// The value of this number, counted from 0; waits for who has it.
    ///
    /// # Panics
    /// When there are no more values than that.
    pub fn at(&self, number: usize) -> MutexGuard<'_, T> {
        locked(&self.0[number])
    }

    /// This thread's value or, while that is in use, another that is free; when all are in use, this thread's, which is waited for.
    pub fn any(&self) -> Taken<'_, T> {
        let own = self.own_number();
        let free = (own..self.places()).chain(0..own).find_map(|number| match self.0[number].0.try_lock() {
            Ok(value) => Some((number, value)),
            Err(TryLockError::Poisoned(poisoned)) => Some((number, poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        });
        match free {
            Some((number, value)) => Taken { number, value, has_waited: false },
            None => Taken { number: own, value: self.at(own), has_waited: true },
        }
    }

    /// All values, one after the other.
    pub fn all(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.0.iter().map(locked)
    }

    /// The number of this thread's value.
    fn own_number(&self) -> usize {
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
        let (own, other) = (values.any(), values.any());
        assert_ne!((own.number, *own.value), (other.number, *other.value));
        let mine = own.number;
        drop((own, other));
        let again = values.any();
        assert_eq!((again.number, *again.value, again.has_waited), (mine, mine, false));
        drop(again);
        assert_eq!(values.all().map(|value| *value).sum::<usize>(), 1);
    }
}
