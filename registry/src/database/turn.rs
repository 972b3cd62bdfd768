//! The turn to write to SQLite: one writer at a time, in the order in which they came.

use crate::error::{RegistryError, Result};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OwnedMutexGuard;

/// Where writers take their turns.
#[derive(Default)]
pub(super) struct Turns {
    turn: Arc<tokio::sync::Mutex<()>>,
    holder: Arc<Mutex<Option<Holder>>>,
}

/// Who writes: the place in the program, and since when.
#[derive(Clone, Copy)]
struct Holder {
    place: &'static Location<'static>,
    since: Instant,
}

/// A turn, for as long as it is kept.
pub(super) struct Turn {
    holder: Arc<Mutex<Option<Holder>>>,
    /// Given to the next one after the holder is forgotten: fields are dropped after their owner.
    _turn: OwnedMutexGuard<()>,
}

impl Turns {
    /// Waits for a turn, for so long at most. `place` is where somebody wants to write.
    pub(super) async fn take(&self, place: &'static Location<'static>, within: Duration) -> Result<Turn> {
        let Ok(turn) = tokio::time::timeout(within, Arc::clone(&self.turn).lock_owned()).await else {
            let holder = *noted(&self.holder);
            tracing::warn!(
                waiting = %place,
                writing = holder.map(|holder| holder.place.to_string()),
                writing_ms = holder.map(|holder| holder.since.elapsed().as_millis() as u64),
                "a writer's turn did not come within {within:?}: what writes to SQLite now, and since when"
            );
            return Err(RegistryError::Database("other writers took longer than the time limit".into()));
        };
        *noted(&self.holder) = Some(Holder { place, since: Instant::now() });
        Ok(Turn { holder: Arc::clone(&self.holder), _turn: turn })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *noted(&self.holder) = None;
    }
}

fn noted(holder: &Mutex<Option<Holder>>) -> MutexGuard<'_, Option<Holder>> {
    holder.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_writes_is_known_to_who_waits() {
        let turns = Turns::default();
        let place = || noted(&turns.holder).map(|holder| holder.place);
        let (one, two) = (Location::caller(), Location::caller());
        assert_ne!(one, two);
        let turn = turns.take(one, Duration::from_secs(60)).await.expect("it is free");
        assert_eq!(place(), Some(one));
        let refused = turns.take(two, Duration::from_millis(1)).await.err().expect("it is not free");
        assert!(refused.to_string().contains("other writers"), "{refused}");
        assert_eq!(place(), Some(one));
        drop(turn);
        assert_eq!(place(), None);
        let _turn = turns.take(two, Duration::from_secs(60)).await.expect("it is free");
        assert_eq!(place(), Some(two));
    }
}
