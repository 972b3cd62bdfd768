//! Whether this server should be sent traffic, and why not.

use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Ready means: not draining, the registry has been read once, and every deployment that should be live here is live or
/// has failed for good and said so.
#[derive(Default)]
pub struct Readiness {
    draining: AtomicBool,
    closing: AtomicBool,
    /// Whether a model that has failed for good makes the server not ready.
    needs_all: bool,
    models: ArcSwap<Option<BTreeMap<String, ModelState>>>,
    changed: watch::Sender<()>,
}

/// Where a model that should be live stands on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// On its way: not ready.
    Deploying,
    /// Live.
    Ready,
    /// Live, but not what should be live: the reason says why.
    Degraded(String),
    /// Nothing is live: the reason says why.
    Failed(String),
}

impl ModelState {
    /// `deploying`, `ready`, `degraded` or `failed`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Deploying => "deploying",
            Self::Ready => "ready",
            Self::Degraded(_) => "degraded",
            Self::Failed(_) => "failed",
        }
    }

    /// The same, or `idle` for a model that is ready and sleeps.
    pub const fn shown(&self, is_asleep: bool) -> &'static str {
        match self {
            Self::Ready if is_asleep => "idle",
            state => state.as_str(),
        }
    }

    /// Why it is degraded or failed.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Degraded(reason) | Self::Failed(reason) => Some(reason),
            Self::Deploying | Self::Ready => None,
        }
    }
}

impl Readiness {
    /// Of a server that is there for one model: without it, it is not ready.
    pub fn needing_all() -> Self {
        Self { needs_all: true, ..Self::default() }
    }

    /// From now on: not ready, whatever else. Everything is still answered.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.changed.send_replace(());
    }

    /// Whether the server is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Notes where every model that should be live stands; by model id.
    pub fn set_models(&self, models: BTreeMap<String, ModelState>) {
        self.models.store(Arc::new(Some(models)));
        self.changed.send_replace(());
    }

    /// Tells when any of this has been set anew.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// From now on: nothing new is taken, and what has no end of its own ends.
    pub fn close(&self) {
        self.drain();
        self.closing.store(true, Ordering::Release);
        self.changed.send_replace(());
    }

    /// Whether nothing new is taken any more.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits until nothing new is taken any more.
    pub async fn closed(&self) {
        let mut changes = self.changes();
        // The sender lives as long as `self`.
        while !self.is_closing() && changes.changed().await.is_ok() {}
    }

    /// Whether to send traffic here.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|check| check.ok)
    }

    /// Whether models are still being brought up, so that one which is not live yet may be soon.
    pub fn is_coming_up(&self) -> bool {
        let models = self.models.load();
        models.as_ref().as_ref().is_none_or(|models| models.values().any(|state| *state == ModelState::Deploying))
    }

    /// Each condition by itself.
    pub fn checks(&self) -> Vec<Check> {
        let draining = self.is_draining();
        let mut checks =
            vec![Check::new("not-draining", !draining, if draining { "the server is shutting down" } else { "" })];
        match self.models.load().as_ref() {
            None => checks.push(Check::new("registry-read", false, "the deployments have not been read yet")),
            Some(models) => {
                checks.push(Check::new("registry-read", true, ""));
                checks.extend(models.iter().map(|(model, state)| {
                    let ok = match state {
                        ModelState::Deploying => false,
                        ModelState::Failed(_) => !self.needs_all,
                        ModelState::Ready | ModelState::Degraded(_) => true,
                    };
                    let reason = state.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
                    Check::new(format!("model {model}"), ok, format!("{}{reason}", state.as_str()))
                }));
            }
        }
        checks
    }
}

/// One condition of readiness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// More words, or none.
    pub detail: String,
}

impl Check {
    fn new(name: impl Into<String>, ok: bool, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok, detail: detail.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_every_model_is_settled_and_the_server_stays() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready(), "nothing has been read yet");
        readiness.set_models(BTreeMap::new());
        assert!(readiness.is_ready());
        readiness.set_models([("m".to_owned(), ModelState::Deploying)].into());
        assert!(!readiness.is_ready());
        readiness.set_models([("m".to_owned(), ModelState::Failed("no engine".into()))].into());
        assert!(readiness.is_ready(), "failed for good and said so");
        readiness.drain();
        assert!(!readiness.is_ready());
    }

    #[test]
    fn a_server_for_one_model_is_not_ready_without_it() {
        let readiness = Readiness::needing_all();
        let cases = [
            (ModelState::Deploying, false, true),
            (ModelState::Ready, true, false),
            (ModelState::Degraded("version 2 is broken".into()), true, false),
            (ModelState::Failed("no engine".into()), false, false),
        ];
        for (state, ready, coming_up) in cases {
            readiness.set_models([("m".to_owned(), state.clone())].into());
            assert_eq!((readiness.is_ready(), readiness.is_coming_up()), (ready, coming_up), "{state:?}");
        }
    }
}
