//! Readers of runs that go on. Each run that somebody follows has one [`Live`]: its state and its newest frames. Readers
//! take frames by their number, at their own pace; nobody waits for them.

mod hub;
mod reader;

use super::frame::Frame;
use super::state::State;
use crate::job::Candidate;
use bytes::Bytes;
pub use hub::Hub;
pub use reader::{Reader, Said};
use servoir_registry::{Registry, RegistryError, Run};
use servoir_types::RunId;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// The newest frames of a run that are kept in memory. A reader that has come to the present and then falls back behind
/// them gets a snapshot in their place.
const RING_FRAMES: usize = 512;
/// Frames that are read from the registry at once.
const PAGE_FRAMES: i64 = 500;
/// A run that somebody follows.
pub struct Live {
    run: RunId,
    /// The state before the first frame.
    beginning: State,
    known: Mutex<Known>,
    position: watch::Sender<Position>,
    /// Ends a follower's wait.
    poke: Notify,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    last: i64,
    /// There will be no more frames.
    over: bool,
}

/// The ring and the states at both its ends.
struct Known {
    /// After the last frame before the ring's first.
    before: State,
    ring: VecDeque<Frame>,
    now: State,
    leaderboard: Vec<Candidate>,
    /// The newest snapshot that somebody wanted, by its number.
    snapshot: Option<(i64, Bytes)>,
}

impl Live {
    async fn load(registry: &Registry, run: &RunId) -> Result<Self, RegistryError> {
        let row = registry.run_by_id(run).await?;
        let beginning = State::before(&row);
        let state = fold(registry, run, beginning.clone(), row.last_frame).await?;
        let position = Position { last: state.seq, over: state.has_ended() };
        let known = Known {
            before: state.clone(),
            ring: VecDeque::new(),
            now: state,
            leaderboard: leaderboard(&row),
            snapshot: None,
        };
        let position = watch::Sender::new(position);
        Ok(Self { run: run.clone(), beginning, known: Mutex::new(known), position, poke: Notify::new() })
    }

    /// Whether there will be no more frames.
    pub fn is_over(&self) -> bool {
        self.position.borrow().over
    }

    /// The number of the newest frame.
    pub fn last(&self) -> i64 {
        self.position.borrow().last
    }

    /// The stage and how far the whole run is, in per cent.
    pub fn progress(&self) -> f64 {
        self.known().now.progress().1
    }

    /// Tells readers of frames that the registry has. Those that they were told of already are passed over; a gap is left
    /// for the follower, who fills it from the registry.
    pub fn publish(&self, frames: impl IntoIterator<Item = Frame>) {
        let mut known = self.known();
        for frame in frames.into_iter().skip_while(|frame| frame.seq <= known.now.seq).collect::<Vec<_>>() {
            if frame.seq != known.now.seq + 1 {
                break;
            }
            known.now.apply(&frame);
            known.ring.push_back(frame);
            if known.ring.len() > RING_FRAMES
                && let Some(oldest) = known.ring.pop_front()
            {
                known.before.apply(&oldest);
            }
        }
        let position = Position { last: known.now.seq, over: known.now.has_ended() };
        drop(known);
        self.move_to(position);
    }

    /// What snapshots show of the search.
    pub fn set_leaderboard(&self, leaderboard: Vec<Candidate>) {
        let mut known = self.known();
        (known.leaderboard, known.snapshot) = (leaderboard, None);
    }

    /// Reads from the registry what readers have not been told yet.
    ///
    /// # Errors
    /// When the registry cannot be read. A run that is gone is over.
    pub async fn refresh(&self, registry: &Registry) -> Result<(), RegistryError> {
        loop {
            let after = self.last();
            let frames = registry.frames(&self.run, after, PAGE_FRAMES).await?;
            if frames.is_empty() {
                return match registry.last_frame(&self.run).await {
                    Err(RegistryError::NotFound { .. }) => {
                        self.move_to(Position { last: after, over: true });
                        Ok(())
                    }
                    other => other.map(drop),
                };
            }
            self.publish(frames.into_iter().map(|frame| stored(&self.run, frame)).collect::<Result<Vec<_>, _>>()?);
        }
    }

    fn move_to(&self, position: Position) {
        self.position.send_if_modified(|known| {
            let moved = *known != position && position.last >= known.last;
            if moved {
                *known = position;
            }
            moved
        });
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }
}

impl Known {
    /// The snapshot of the present, made once for all who want it.
    fn snapshot(&mut self, run: &RunId) -> Result<(i64, Bytes), RegistryError> {
        match &self.snapshot {
            Some((seq, text)) if *seq == self.now.seq => Ok((*seq, text.clone())),
            _ => {
                let text = self.now.snapshot(run, &self.leaderboard).map_err(unreadable)?;
                self.snapshot = Some((self.now.seq, text.clone()));
                Ok((self.now.seq, text))
            }
        }
    }
}

/// Applies the frames after the state's, up to the number `until`.
async fn fold(registry: &Registry, run: &RunId, mut state: State, until: i64) -> Result<State, RegistryError> {
    while state.seq < until {
        let page = registry.frames(run, state.seq, PAGE_FRAMES.min(until - state.seq)).await?;
        if page.is_empty() {
            break;
        }
        for frame in page {
            state.apply(&stored(run, frame)?);
        }
    }
    Ok(state)
}

fn stored(run: &RunId, frame: servoir_registry::Frame) -> Result<Frame, RegistryError> {
    Frame::stored(run, frame).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> RegistryError {
    RegistryError::Inconsistent(format!("a frame of a run: {error}"))
}

/// The leaderboard that a run's row has.
pub fn leaderboard(run: &Run) -> Vec<Candidate> {
    run.details.get("leaderboard").cloned().and_then(|rows| serde_json::from_value(rows).ok()).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
