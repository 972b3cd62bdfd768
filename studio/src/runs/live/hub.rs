//! The runs that somebody follows on this node, each once.

use super::{Live, Reader, fold, lock};
use crate::runs::state::State;
use servoir_registry::{Registry, RegistryError, Run};
use servoir_types::RunId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// How often a run of another node, or an external one, is looked at when nothing wakes its follower.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// The runs that somebody follows, here.
#[derive(Clone)]
pub struct Hub(Arc<Parts>);

struct Parts {
    registry: Registry,
    runs: Mutex<HashMap<RunId, Weak<Live>>>,
}

impl Hub {
    /// A hub over this registry.
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(Parts { registry, runs: Mutex::default() }))
    }

    /// What it reads.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The run as it is now. As long as somebody holds it, it follows the registry.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn open(&self, run: &RunId) -> Result<Arc<Live>, RegistryError> {
        if let Some(live) = self.find(run) {
            return Ok(live);
        }
        let loaded = Arc::new(Live::load(&self.0.registry, run).await?);
        let mut runs = lock(&self.0.runs);
        runs.retain(|_, live| live.strong_count() > 0);
        if let Some(live) = runs.get(run).and_then(Weak::upgrade) {
            return Ok(live);
        }
        runs.insert(run.clone(), Arc::downgrade(&loaded));
        drop(runs);
        if !loaded.is_over() {
            tokio::spawn(follow(self.0.registry.clone(), Arc::downgrade(&loaded)));
        }
        Ok(loaded)
    }

    /// Says that a run has frames that were appended here: its readers need not wait for the next look at the registry.
    pub fn poke(&self, run: &RunId) {
        if let Some(live) = self.find(run) {
            live.poke.notify_one();
        }
    }

    /// A reader of a run. It begins with a snapshot: of the state before the frame `from`, or of the present.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn read(&self, run: &Run, from: Option<i64>) -> Result<Reader, RegistryError> {
        let live = self.open(&run.id).await?;
        Ok(Reader::new(self.0.registry.clone(), live, from))
    }

    /// A run's state now; with `candidate`, its series are those of that candidate.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub async fn state(&self, run: &RunId, candidate: Option<&str>) -> Result<State, RegistryError> {
        match (candidate, self.find(run)) {
            (None, Some(live)) => Ok(live.known().now.clone()),
            (None, None) => fold(&self.0.registry, run, State::default(), i64::MAX).await,
            (Some(name), _) => fold(&self.0.registry, run, State::of_candidate(name), i64::MAX).await,
        }
    }

    fn find(&self, run: &RunId) -> Option<Arc<Live>> {
        lock(&self.0.runs).get(run).and_then(Weak::upgrade)
    }
}

/// Keeps a run's readers told of what is appended elsewhere, until it is over or nobody holds it.
async fn follow(registry: Registry, live: Weak<Live>) {
    let mut changes = registry.changes();
    loop {
        let Some(held) = live.upgrade() else { return };
        if held.is_over() {
            return;
        }
        if let Err(error) = held.refresh(&registry).await {
            tracing::debug!(%error, run = %held.run, "could not follow a run; trying again");
        }
        let woken = async {
            tokio::select! {
                () = held.poke.notified() => {}
                _ = changes.changed() => {}
            }
        };
        let _ = tokio::time::timeout(FOLLOW_EVERY, woken).await;
    }
}
