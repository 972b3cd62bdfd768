//! Versions on trial: what has just gone live, or takes a share as a canary, is compared with what was live before, and taken
//! down when it is worse.
//!
//! Stretches of what deployments count anyway are read once a second. Where it is limited how far answers may be others, a few
//! requests are asked of both versions. What a person has rolled back to is not on trial, and a version that was taken down is not
//! put back by anybody but a person, so this never flaps.

mod bounds;
mod comparison;
mod costs;
mod divergence;
mod observation;
mod sampled;
#[cfg(test)]
mod tests;
mod turn;
mod verdict;
#[cfg(test)]
mod who_tests;

pub use comparison::{Cause, Limits};
pub use divergence::Divergence;
pub use sampled::Asked;
pub use turn::keep_on_trial;

use comparison::{After, Before};
use observation::{Observation, Observer};
use sampled::{Sample, Sampled};
use servoir_registry::{Forced, OnTrial};
use servoir_runtime::{Deployment, Live};
use servoir_types::ModelId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use verdict::Verdict;

/// What is on trial on this node, and what is remembered of what is live.
#[derive(Default)]
pub struct Trials {
    models: Mutex<HashMap<ModelId, OfModel>>,
    /// Requests that are asked of two versions.
    pub sampled: Sampled,
}

/// What is watched of one model: at most what is live and a canary.
#[derive(Default)]
struct OfModel {
    watched: Vec<Watched>,
    trials: Vec<Trial>,
}

/// A deployment that answers, for as long as it does.
struct Watched {
    deployment: Weak<Deployment>,
    observer: Observer,
}

/// A version on trial.
struct Trial {
    on_trial: OnTrial,
    deployment: Weak<Deployment>,
    after: After,
    before: Before,
    /// What it is compared with.
    version_before: u64,
    /// The same as long as it answers beside it.
    beside: Option<Weak<Deployment>>,
    /// Requests that both are asked, where answers are compared.
    sample: Option<Arc<Sample>>,
    began: Instant,
}

/// A version that was found worse.
#[derive(Debug, Clone)]
pub struct Found {
    /// The model.
    pub model: ModelId,
    /// How it came in.
    pub on_trial: OnTrial,
    /// Which.
    pub version: u64,
    /// What it was compared with.
    pub version_before: u64,
    /// How that is known.
    pub verdict: Verdict,
    /// For how long it was on trial.
    pub after: Duration,
}

/// What has become live.
pub struct Arrival<'a> {
    /// What was live.
    pub replaced: Option<&'a Live>,
    /// What is.
    pub live: &'a Live,
    /// Which version can be gone back to; `None` when the primary is not to be put on trial.
    pub way_back: Option<u64>,
    /// Which versions were put live with force: what they answer is not compared.
    pub forced: Forced,
}

impl Trials {
    /// Puts on trial what has just gone live.
    pub fn published(&self, model: &ModelId, arrival: &Arrival<'_>, limits: &Limits, now: Instant) {
        let mut models = self.lock();
        let of_model = models.entry(model.clone()).or_default();
        let Arrival { replaced, live, .. } = arrival;
        let canary = live.canary.as_ref().map(|(_, canary)| canary);
        for deployment in std::iter::once(&live.primary).chain(canary) {
            of_model.watch(deployment, now);
        }
        of_model.trials.retain(|trial| match trial.on_trial {
            OnTrial::Primary => is(&trial.deployment, &live.primary),
            OnTrial::Canary => canary.is_some_and(|canary| is(&trial.deployment, canary)),
        });
        let compared = |is_forced: bool| limits.tolerated.limits() > 0 && !is_forced;
        if let Some(before) = arrival.to_compare_with() {
            let sample = compared(arrival.forced.primary).then(|| Sample::new(&live.primary, before));
            of_model.begin(OnTrial::Primary, ((before, &live.primary), sample), limits, now);
        }
        let share = |live: &Live| live.canary.as_ref().map(|(percent, canary)| (*percent, Arc::as_ptr(canary)));
        if let Some(canary) = canary.filter(|_| replaced.and_then(share) != share(live)) {
            let sample = compared(arrival.forced.canary).then(|| Sample::new(canary, &live.primary));
            of_model.begin(OnTrial::Canary, ((&live.primary, canary), sample), limits, now);
        }
        of_model.watched.retain(|watched| {
            is(&watched.deployment, &live.primary) || canary.is_some_and(|canary| is(&watched.deployment, canary))
        });
        self.sample(&models);
    }

    /// Forgets a model that has been taken down.
    pub fn forget(&self, model: &ModelId) {
        let mut models = self.lock();
        if models.remove(model).is_some() {
            self.sample(&models);
        }
    }

    /// Ends a trial without a consequence.
    pub fn end(&self, model: &ModelId, on_trial: OnTrial) {
        let mut models = self.lock();
        if let Some(of_model) = models.get_mut(model) {
            of_model.trials.retain(|trial| trial.on_trial != on_trial);
        }
        self.sample(&models);
    }

    /// What was found by now of the answers of a version on trial, and what they are compared with.
    pub fn compared(&self, deployment: &Arc<Deployment>) -> Option<(Divergence, u64)> {
        self.sampled.of(deployment).map(|sample| (sample.found(), sample.version_before()))
    }

    /// Reads what deployments have done, and says what was found worse. A version is found so again until it is gone; a trial
    /// that has lasted as long as `longest` is over.
    pub fn observe(&self, (limits, longest): (&Limits, Duration), now: Instant) -> Vec<Found> {
        let (mut found, mut models, mut ended) = (Vec::new(), self.lock(), false);
        for (model, of_model) in models.iter_mut() {
            of_model.observe(limits, now);
            of_model.trials.retain(|trial| {
                let is_over = now.saturating_duration_since(trial.began) >= longest;
                if let (Some(verdict), Some(deployment)) = (trial.verdict(limits), trial.deployment.upgrade()) {
                    let (on_trial, version_before) = (trial.on_trial, trial.version_before);
                    let version = deployment.identity().version;
                    let after = now.saturating_duration_since(trial.began);
                    found.push(Found { model: model.clone(), on_trial, version, version_before, verdict, after });
                } else if is_over {
                    tracing::info!(%model, on_trial = ?trial.on_trial, "a version is no worse than the one before; its trial is over");
                }
                ended |= is_over;
                !is_over
            });
        }
        if ended {
            self.sample(&models);
        }
        found
    }

    /// Requests of what is on trial by now are sampled, and no others.
    fn sample(&self, models: &HashMap<ModelId, OfModel>) {
        let trials = models.values().flat_map(|of_model| &of_model.trials);
        self.sampled.set(trials.filter_map(|trial| trial.sample.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ModelId, OfModel>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival<'_> {
    /// What was live before, when the primary is another version now, and going back would break nobody who calls it. Who has the
    /// same version run otherwise has reasons.
    fn to_compare_with(&self) -> Option<&Arc<Deployment>> {
        let (before, primary) = (&self.replaced?.primary, &self.live.primary);
        let version = before.identity().version;
        let is_way_back = self.way_back == Some(version) && version != primary.identity().version;
        (is_way_back && primary.signature().broken_by(before.signature()).is_empty()).then_some(before)
    }
}

impl OfModel {
    fn watch(&mut self, deployment: &Arc<Deployment>, now: Instant) {
        if self.watched.iter().all(|watched| !is(&watched.deployment, deployment)) {
            let observer = Observer::new(deployment.statistics(), now);
            self.watched.push(Watched { deployment: Arc::downgrade(deployment), observer });
        }
    }

    /// Begins a trial, or begins it again for who decides anew on the same deployment.
    fn begin(
        &mut self,
        on_trial: OnTrial,
        ((before, deployment), sample): ((&Arc<Deployment>, &Arc<Deployment>), Option<Arc<Sample>>),
        limits: &Limits,
        now: Instant,
    ) {
        let mut known = Before::default();
        let watched = self.watched.iter().find(|watched| is(&watched.deployment, before));
        watched.into_iter().flat_map(|watched| watched.observer.recent()).for_each(|seen| known.add(seen, limits));
        self.trials.retain(|trial| trial.on_trial != on_trial);
        self.trials.push(Trial {
            on_trial,
            deployment: Arc::downgrade(deployment),
            after: After::default(),
            before: known,
            version_before: before.identity().version,
            beside: (on_trial == OnTrial::Canary).then(|| Arc::downgrade(before)),
            sample,
            began: now,
        });
    }

    fn observe(&mut self, limits: &Limits, now: Instant) {
        let Self { watched, trials } = self;
        for Watched { deployment, observer } in watched {
            let Some(live) = deployment.upgrade() else { continue };
            let Some(seen) = observer.observe(live.statistics(), now) else { continue };
            for trial in trials.iter_mut() {
                trial.add(deployment, &seen, limits);
            }
        }
    }
}

impl Trial {
    /// Why it is to be taken down, when it is.
    fn verdict(&self, limits: &Limits) -> Option<Verdict> {
        let worse = self.after.worse_than(&self.before, limits).map(Verdict::Worse);
        let diverging = || self.sample.as_ref()?.found().beyond(limits).map(Verdict::Diverging);
        worse.or_else(diverging)
    }

    fn add(&mut self, of: &Weak<Deployment>, seen: &Observation, limits: &Limits) {
        if Weak::ptr_eq(&self.deployment, of) {
            self.after.add(seen, &self.before, limits);
        } else if self.beside.as_ref().is_some_and(|beside| Weak::ptr_eq(beside, of)) {
            self.before.add(seen, limits);
        }
    }
}

fn is(known: &Weak<Deployment>, deployment: &Arc<Deployment>) -> bool {
    std::ptr::eq(known.as_ptr(), Arc::as_ptr(deployment))
}
