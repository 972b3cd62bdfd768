//! What a child says, on its way into the registry and from there to the readers.

use super::frame::{self, Frame, cut};
use super::outgoing::Outgoing;
use super::session::{Ending, Session, failed};
use crate::event::{Event, Level};
use crate::job::{self, Candidate};
use serde_json::json;
use servoir_child::Line;
use servoir_registry::{Failure, NewFrame, RegistryError};
use servoir_types::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most rows of a leaderboard.
const CANDIDATES_MAX: usize = 256;

/// What a child has said and nobody has stored yet.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) outgoing: Outgoing,
    pub(super) leaderboard: Vec<Candidate>,
    /// The leaderboard has changed since it was stored.
    news: bool,
    /// What it said of its own failure.
    pub(super) failure: Option<Failure>,
}

/// What has been heard, on its way into the registry and to the readers.
pub(super) struct Storing<'a> {
    session: &'a Session,
    heard: Arc<Mutex<Heard>>,
    /// The number of the newest frame that is stored.
    last: i64,
    /// What is yet to be stored.
    batch: Option<Batch>,
}

struct Batch {
    events: Vec<(Timestamp, Event)>,
    frames: Vec<NewFrame>,
    leaderboard: Option<Vec<Candidate>>,
}

impl<'a> Storing<'a> {
    pub(super) fn new(session: &'a Session, heard: Arc<Mutex<Heard>>) -> Self {
        Self { session, heard, last: session.run.last_frame, batch: None }
    }

    /// Where a child's lines go.
    pub(super) fn heard(&self) -> Arc<Mutex<Heard>> {
        Arc::clone(&self.heard)
    }

    /// Stores everything that was heard, however long that takes.
    pub(super) async fn all(&mut self) -> Result<(), Ending> {
        loop {
            self.once().await?;
            match &self.batch {
                Some(_) => self.session.pause().await?,
                None if lock(&self.heard).is_silent() => return Ok(()),
                None => {}
            }
        }
    }

    /// Tries to store what was heard, then tells the readers. A batch that cannot be stored now is kept.
    pub(super) async fn once(&mut self) -> Result<(), Ending> {
        let Session { shared, run, live, .. } = self.session;
        let batch = match self.batch.take() {
            Some(batch) => batch,
            None => match lock(&self.heard).take()? {
                Some(batch) => batch,
                None => return Ok(()),
            },
        };
        let rows = batch.leaderboard.as_ref();
        let details = rows.map(|rows| json!({"node": shared.settings.node, "leaderboard": rows}));
        let last = self.last + i64::try_from(batch.frames.len()).unwrap_or(i64::MAX);
        match shared.registry.append_frames(&run.id, Some(self.last), &batch.frames, details.as_ref()).await {
            Ok(_) => {}
            // An append whose answer was lost, and which did take place.
            Err(RegistryError::Stale { current }) if current == last => {}
            Err(RegistryError::RunEnded { .. } | RegistryError::NotFound { .. }) => return Err(Ending::Unwanted),
            Err(error) => {
                tracing::warn!(%error, run = %run.id, "what a run says cannot be stored; trying again");
                self.batch = Some(batch);
                return Ok(());
            }
        }
        if let Some(leaderboard) = batch.leaderboard {
            live.set_leaderboard(leaderboard);
        }
        let numbered =
            (self.last + 1..).zip(batch.events).map(|(seq, (at, event))| Frame::new(&run.id, seq, at, event));
        live.publish(numbered.collect::<Result<Vec<_>, _>>().map_err(unwritable)?);
        self.last = last;
        Ok(())
    }
}

impl Heard {
    fn is_silent(&self) -> bool {
        self.outgoing.is_empty() && !self.news
    }

    fn take(&mut self) -> Result<Option<Batch>, Ending> {
        if self.is_silent() {
            return Ok(None);
        }
        let events = self.outgoing.take();
        let frames = events.iter().map(|(at, event)| frame::unnumbered(*at, event));
        let frames = frames.collect::<Result<_, _>>().map_err(unwritable)?;
        let leaderboard = std::mem::take(&mut self.news).then(|| self.leaderboard.clone());
        Ok(Some(Batch { events, frames, leaderboard }))
    }

    pub(super) fn hear(&mut self, line: Line) {
        let Line::Whole(bytes) = line else { return self.odd("a line that is too long") };
        match serde_json::from_slice(&bytes) {
            Ok(job::Line::Event(Event::Failed { code, message })) => {
                self.failure = Some(Failure { code: cut(&code), message: cut(&message) });
            }
            // How a run ends is for the registry to say.
            Ok(job::Line::Event(Event::Complete { .. } | Event::Cancelled)) => {}
            Ok(job::Line::Event(event)) => self.outgoing.push(event),
            Ok(job::Line::Candidate(candidate)) if self.leaderboard.len() < CANDIDATES_MAX => {
                self.leaderboard.push(candidate);
                self.leaderboard.sort_by(|a, b| a.score.total_cmp(&b.score));
                self.news = true;
            }
            Ok(job::Line::Candidate(_)) => {}
            Err(_) => self.odd(&String::from_utf8_lossy(&bytes)),
        }
    }

    fn odd(&mut self, said: &str) {
        let message = format!("the worker wrote what is no event: {said}");
        self.outgoing.push(Event::Log { level: Level::Warning, message });
    }
}

fn unwritable(error: serde_json::Error) -> Ending {
    failed("event-unwritable", error)
}

/// Takes what a thread that panicked may have left.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
