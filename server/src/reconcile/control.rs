//! What this node holds of one model, under the model's turn: what is live and what is kept warm.

use super::load::Failure;
use super::trial::{Arrival, Limits};
use crate::app::SharedApp;
use servoir_registry::{Deployment, Placed};
use servoir_runtime::Live;
use servoir_types::{ModelId, Name};
use std::sync::Arc;
use std::time::Instant;

/// What this node holds of one model.
#[derive(Default)]
pub struct Control {
    /// Versions in memory: live, beside it, or warm for a rollback. At most a handful.
    loaded: Vec<(Placed, Arc<servoir_runtime::Deployment>)>,
    published: Option<Published>,
    /// A decision that this node cannot follow, and will not try again.
    failed_for_good: Option<i64>,
}

/// What was last made live.
struct Published {
    generation: i64,
    name: Name,
    live: Live,
}

impl Control {
    /// Whether a version is in memory, exactly as placed.
    pub fn has(&self, placed: &Placed) -> bool {
        self.find(placed).is_some()
    }

    /// Keeps a loaded version in memory until a decision makes it superfluous.
    pub fn keep(&mut self, placed: Placed, deployment: Arc<servoir_runtime::Deployment>) {
        self.loaded.push((placed, deployment));
    }

    /// Whether there is nothing to do for this decision: it is live, under its present name, or has failed for good.
    pub fn is_at(&self, desired: &Deployment) -> bool {
        let published = self.published.as_ref();
        published.is_some_and(|published| published.generation == desired.generation && published.name == desired.name)
            || self.failed_for_good == Some(desired.generation)
    }

    /// The decision that is live, if any is.
    pub fn live_generation(&self) -> Option<i64> {
        self.published.as_ref().map(|published| published.generation)
    }

    /// Remembers not to try a decision again when its failure is final.
    pub fn note_failure(&mut self, desired: &Deployment, failure: &Failure) {
        self.failed_for_good = failure.is_final().then_some(desired.generation);
        self.drop_superfluous(desired);
    }

    /// Makes a decision live with one atomic store. Everything that it names must be in memory; what it no longer names
    /// is let go and freed by its own threads once its last request has ended.
    pub fn publish(&mut self, app: &SharedApp, desired: &Deployment) {
        let Some(primary) = self.find(&desired.primary) else { return };
        let canary = desired.canary.as_ref().and_then(|(percent, placed)| Some((*percent, self.find(placed)?)));
        let shadow = desired.shadow.as_ref().and_then(|placed| self.find(placed));
        let live = Live { primary, canary, shadow, also: Vec::new() };
        let replaced = app.serving.publish(&desired.organization, desired.name.as_str(), &desired.model, live.clone());
        if app.config.swap.watch_seconds > 0 {
            let previous = desired.previous.as_ref().filter(|_| !desired.by_rollback);
            let way_back = previous.and_then(|placed| u64::try_from(placed.spec.version).ok());
            let arrival = Arrival { replaced: replaced.as_deref(), live: &live, way_back, forced: desired.forced };
            let limits = Limits::of(&app.config.swap);
            app.reconciler.trials.published(&desired.model, &arrival, &limits, Instant::now());
        }
        self.published = Some(Published { generation: desired.generation, name: desired.name.clone(), live });
        self.failed_for_good = None;
        self.drop_superfluous(desired);
        let kept: Vec<u64> = self.loaded.iter().map(|(_, deployment)| deployment.identity().version).collect();
        app.metrics.keep_versions(desired.model.as_str(), &kept);
    }

    /// Takes the model down. What was live is given back, so that the caller can wait for its last request.
    pub fn withdraw(&mut self, app: &SharedApp, model: &ModelId) -> Option<Arc<Live>> {
        self.loaded.clear();
        self.published = None;
        self.failed_for_good = None;
        app.metrics.keep_versions(model.as_str(), &[]);
        app.reconciler.trials.forget(model);
        app.serving.withdraw(model)
    }

    /// A version that is in memory, exactly as placed.
    pub fn find(&self, placed: &Placed) -> Option<Arc<servoir_runtime::Deployment>> {
        self.loaded.iter().find(|(known, _)| known == placed).map(|(_, deployment)| deployment.clone())
    }

    /// Versions that answer nobody, but for those that are to be kept.
    pub fn warm(&self, kept: &[&Placed]) -> impl Iterator<Item = Arc<servoir_runtime::Deployment>> {
        let is_live = |one: &Arc<servoir_runtime::Deployment>| {
            let live = self.published.iter().flat_map(|published| published.live.deployments());
            live.into_iter().any(|live| Arc::ptr_eq(live, one))
        };
        let warm = self.loaded.iter().filter(move |(placed, one)| !kept.contains(&placed) && !is_live(one));
        warm.map(|(_, one)| Arc::clone(one))
    }

    /// Lets a version go; its own threads free it.
    pub fn let_go(&mut self, gone: &Arc<servoir_runtime::Deployment>) {
        self.loaded.retain(|(_, one)| !Arc::ptr_eq(one, gone));
    }

    fn drop_superfluous(&mut self, desired: &Deployment) {
        let canary = desired.canary.as_ref().map(|(_, placed)| placed);
        self.loaded.retain(|(placed, _)| {
            *placed == desired.primary
                || desired.previous.as_ref() == Some(placed)
                || canary == Some(placed)
                || desired.shadow.as_ref() == Some(placed)
        });
    }
}
