//! One who follows a run: a snapshot, then every frame after it, once and in order.

use super::{Live, PAGE_FRAMES, Position, fold, stored, unreadable};
use crate::runs::frame::Frame;
use crate::runs::state::State;
use bytes::Bytes;
use servoir_registry::{Registry, RegistryError};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// One who follows a run.
pub struct Reader {
    registry: Registry,
    live: Arc<Live>,
    position: watch::Receiver<Position>,
    /// The number of the next frame; none until the first snapshot is out.
    next: Option<i64>,
    /// Where it is to begin.
    from: Option<i64>,
    /// What it missed before it came goes up to here, and is read from the registry however long that takes.
    missed: i64,
    page: VecDeque<Frame>,
}

/// What a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The text of a frame, or of a snapshot.
    Frame(Bytes),
    /// There is nothing more.
    Over,
}

/// Where the next frame is.
enum Place {
    Here(Bytes),
    /// Older than what is kept in memory.
    Behind,
    /// Not there yet.
    Ahead,
}

impl Reader {
    pub(super) fn new(registry: Registry, live: Arc<Live>, from: Option<i64>) -> Self {
        let position = live.position.subscribe();
        let missed = position.borrow().last;
        Self { registry, live, position, next: None, from, missed, page: VecDeque::new() }
    }

    /// What comes next, when it is there.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn next(&mut self) -> Result<Said, RegistryError> {
        let Some(next) = self.next else { return self.begin().await };
        loop {
            if let Some(frame) = self.page.pop_front() {
                self.next = Some(frame.seq + 1);
                return Ok(Said::Frame(frame.text));
            }
            self.position.mark_unchanged();
            match self.place(next) {
                Place::Here(text) => {
                    self.next = Some(next + 1);
                    return Ok(Said::Frame(text));
                }
                Place::Behind if next <= self.missed => self.read_page(next).await?,
                Place::Behind => return self.skip_ahead().await,
                Place::Ahead if self.live.is_over() => return Ok(Said::Over),
                Place::Ahead => {
                    if self.position.changed().await.is_err() {
                        return Ok(Said::Over);
                    }
                }
            }
        }
    }

    /// The snapshot that everybody begins with. Who comes when all is over, and does not say from where on, is told the
    /// end once more.
    async fn begin(&mut self) -> Result<Said, RegistryError> {
        let (last, over) = (self.live.last(), self.live.is_over());
        let from = self.from.unwrap_or(if over { last } else { last + 1 }).max(1);
        if from > last { self.present() } else { self.begin_before(from).await }
    }

    /// A snapshot in place of what could not be taken. The end is told as a frame of its own, however late.
    async fn skip_ahead(&mut self) -> Result<Said, RegistryError> {
        let (last, over) = (self.live.last(), self.live.is_over());
        if over && last > 0 { self.begin_before(last).await } else { self.present() }
    }

    async fn begin_before(&mut self, from: i64) -> Result<Said, RegistryError> {
        let state = self.state_before(from).await?;
        let leaderboard = self.live.known().leaderboard.clone();
        self.next = Some(from);
        state.snapshot(&self.live.run, &leaderboard).map(Said::Frame).map_err(unreadable)
    }

    /// A snapshot of the present.
    fn present(&mut self) -> Result<Said, RegistryError> {
        let (seq, text) = self.live.known().snapshot(&self.live.run)?;
        self.next = Some(seq + 1);
        Ok(Said::Frame(text))
    }

    async fn state_before(&self, seq: i64) -> Result<State, RegistryError> {
        let mut state = {
            let known = self.live.known();
            let mut state = if known.before.seq < seq { known.before.clone() } else { self.live.beginning.clone() };
            for frame in known.ring.iter().take_while(|frame| frame.seq < seq) {
                state.apply(frame);
            }
            state
        };
        if state.seq < seq - 1 {
            state = fold(&self.registry, &self.live.run, state, seq - 1).await?;
        }
        Ok(state)
    }

    fn place(&self, next: i64) -> Place {
        let known = self.live.known();
        match usize::try_from(next - known.before.seq - 1) {
            Err(_) => Place::Behind,
            Ok(index) => known.ring.get(index).map_or(Place::Ahead, |frame| Place::Here(frame.text.clone())),
        }
    }

    async fn read_page(&mut self, next: i64) -> Result<(), RegistryError> {
        let limit = PAGE_FRAMES.min(self.missed - next + 1);
        let page = self.registry.frames(&self.live.run, next - 1, limit).await?;
        if page.is_empty() {
            // The run was deleted in the meantime.
            self.missed = 0;
        }
        self.page = page.into_iter().map(|frame| stored(&self.live.run, frame)).collect::<Result<_, _>>()?;
        Ok(())
    }
}
