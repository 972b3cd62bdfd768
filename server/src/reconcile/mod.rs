//! The reconciler: makes what runs here equal to what should run. The one place where registry and runtime meet.
//!
//! A change comes in two ways, and both end in `Control::publish`, under the model's turn. A caller of this node deploys:
//! the version is loaded first, then the decision is committed, then it is published, so what should run has run once
//! before anybody relies on it. Or the registry says that what should run has changed (a restart, another node): the
//! loop reads it, loads what is missing and publishes. Nothing else stores to a serving slot, but
//! `models_dir` on a server of a folder of models, where this loop does not run.

mod beside;
mod control;
mod gate;
mod load;
mod loading_threads;
mod memory;
mod mirrored;
mod room;
mod scale;
mod sleep;
mod sleepers;
#[cfg(test)]
mod started;
mod trial;
mod watch;

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::readiness::ModelState;
pub use beside::open_beside;
use control::Control;
use load::Failure;
use load::{Loader, Of};
use loading_threads::LoadingThreads;
pub use memory::{Memory, NoRoom};
use mirrored::Mirrored;
pub use mirrored::{Compared, Said};
pub use scale::{Looks, keep_scaling};
use servoir_registry::{Actor, Breaking, Deployment, DeploymentSpec, Placed, Rollout, Strategy, VersionState};
use servoir_types::{Kind, ModelId, Name, random_token};
use sleepers::Sleepers;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trial::Trials;
pub use trial::{Asked, Cause, Divergence, keep_on_trial};
pub use watch::keep_converging;

/// Makes what runs equal to what should run.
pub struct Reconciler {
    node: String,
    loader: Loader,
    controls: Mutex<HashMap<ModelId, Arc<tokio::sync::Mutex<Control>>>>,
    states: Mutex<BTreeMap<String, ModelState>>,
    /// What is compared with the version before.
    pub trials: Trials,
    sleepers: Sleepers,
    /// What shadows answered.
    pub mirrored: Mirrored,
}

/// What a caller wants to run.
pub struct Wish {
    /// The model.
    pub model: ModelId,
    /// Its name now.
    pub name: Name,
    /// Which version, and how.
    pub spec: DeploymentSpec,
    /// How it comes in, and whether it may break callers.
    pub rollout: Rollout,
}

/// A version in memory.
type Loaded = (Placed, Arc<servoir_runtime::Deployment>);

/// What is ready for a decision, and since when it is being made.
struct Staged {
    /// `None` when the version was in memory already.
    loaded: Option<Loaded>,
    started: Instant,
}

impl Default for Reconciler {
    fn default() -> Self {
        Self {
            node: format!("node_{}", random_token(12)),
            loader: Loader::default(),
            controls: Mutex::default(),
            states: Mutex::default(),
            trials: Trials::default(),
            sleepers: Sleepers::default(),
            mirrored: Mirrored::default(),
        }
    }
}

impl Reconciler {
    /// Loads a version, and when it can be served, decides that it should run and makes it live; returns when it is.
    /// Once begun it goes on to its end even if the caller hangs up.
    ///
    /// # Errors
    /// 409 `swap-refused` when it would break who calls what is live; 422 with the engine's reason when it cannot be served:
    /// what was live stays live and what should run stays as it was.
    pub async fn deploy(&self, app: &SharedApp, actor: &Actor, wish: Wish) -> Result<Deployment, ApiError> {
        let (app, actor) = (app.clone(), actor.clone());
        to_its_end(async move { app.reconciler.deploy_now(&app, &actor, wish).await }).await
    }

    async fn deploy_now(&self, app: &SharedApp, actor: &Actor, wish: Wish) -> Result<Deployment, ApiError> {
        let started = Instant::now();
        let Wish { model, name, spec, rollout } = wish;
        let version = app.registry.version(&actor.organization, &model, spec.version).await?;
        if version.state == VersionState::Rejected {
            let reason = version.reason.unwrap_or_default();
            let detail = format!("version {} was rejected: {reason}; upload another", version.version);
            return Err(ApiError::new(Kind::Unprocessable, "version-rejected", detail));
        }
        let placed = Placed { spec: spec.clone(), digest: version.digest, format: version.format };
        let control = self.control(&model);
        let mut control = control.lock().await;
        // A shadow answers nobody.
        let breaking = if rollout.strategy == Strategy::Shadow { Breaking::Forced } else { rollout.breaking };
        let loaded = self.load_proven(app, &mut control, ((actor, &model), &name), (&placed, breaking)).await;
        let loaded = loaded.inspect_err(|_| app.metrics.swap("refused", started.elapsed()))?;
        let decided = app.registry.deploy(actor, &model, spec, rollout).await;
        let decided = decided.map_err(|error| gate::refused(app, error))?;
        self.follow(app, &mut control, decided, Staged { loaded, started }).await
    }

    /// Goes back to what was live before, from memory when it is still there. Once begun it goes on to its end.
    ///
    /// # Errors
    /// As [`Self::deploy`]; 409 when there is nothing to go back to.
    pub async fn rollback(
        &self,
        app: &SharedApp,
        actor: &Actor,
        model: &ModelId,
        breaking: Breaking,
    ) -> Result<Deployment, ApiError> {
        let (app, actor, model) = (app.clone(), actor.clone(), model.clone());
        to_its_end(async move { app.reconciler.rollback_now(&app, &actor, (&model, breaking)).await }).await
    }

    async fn rollback_now(
        &self,
        app: &SharedApp,
        actor: &Actor,
        (model, breaking): (&ModelId, Breaking),
    ) -> Result<Deployment, ApiError> {
        let started = Instant::now();
        app.registry.model(&actor.organization, model.as_str()).await?;
        let control = self.control(model);
        let mut control = control.lock().await;
        let current = app.registry.deployment(model).await?;
        let loaded = match current.as_ref().and_then(|current| Some((&current.name, current.previous.clone()?))) {
            Some((name, previous)) => {
                let loaded = self.load_fitting(app, &mut control, ((actor, model), name), (&previous, breaking)).await;
                loaded.inspect_err(|_| app.metrics.swap("refused", started.elapsed()))?
            }
            None => None,
        };
        let decided = app.registry.rollback(actor, model, breaking).await;
        let decided = decided.map_err(|error| gate::refused(app, error))?;
        app.metrics.rolled_back("asked");
        self.follow(app, &mut control, decided, Staged { loaded, started }).await
    }

    /// Takes a model down; returns when the requests in flight have finished, or have had their time.
    ///
    /// # Errors
    /// 409 when it is not deployed.
    pub async fn undeploy(&self, app: &SharedApp, actor: &Actor, model: &ModelId) -> Result<(), ApiError> {
        let (app, actor, model) = (app.clone(), actor.clone(), model.clone());
        to_its_end(async move { app.reconciler.undeploy_now(&app, &actor, &model).await }).await
    }

    async fn undeploy_now(&self, app: &SharedApp, actor: &Actor, model: &ModelId) -> Result<(), ApiError> {
        let turn = self.control(model);
        let mut control = turn.lock().await;
        app.registry.undeploy(actor, model).await?;
        let gone = control.withdraw(app, model);
        self.set_state(app, model, None);
        drop(control);
        drop(turn);
        self.forget(model);
        if let Some(live) = gone {
            let patience = Duration::from_secs(app.config.limits.predict_seconds_max);
            if tokio::time::timeout(patience, live.primary.idle()).await.is_err() {
                tracing::warn!(%model, "requests were still in flight when their time was over");
            }
        }
        Ok(())
    }

    /// Where a model that should be live stands on this node.
    pub fn state(&self, model: &ModelId) -> Option<ModelState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(model.as_str()).cloned()
    }

    /// The threads that every model of this process is loaded on.
    pub fn loading_threads(&self) -> &LoadingThreads {
        self.loader.threads()
    }

    /// Loads versions.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// What the versions in memory take.
    pub fn memory(&self) -> &Memory {
        self.loader.memory()
    }

    /// This node's name among the nodes of one registry.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Loads a version unless it is in memory already, so that publishing it will not wait.
    async fn load_unless_held(
        &self,
        app: &SharedApp,
        control: &mut Control,
        of: Of<'_>,
        placed: Placed,
    ) -> Result<Option<Loaded>, load::Failure> {
        if control.has(&placed) {
            return Ok(None);
        }
        let loaded = self.load_with_room(app, control, of, (&placed, &[])).await?;
        Ok(Some((placed, loaded)))
    }

    /// Makes a decision of this node live with what was staged for it.
    async fn follow(
        &self,
        app: &SharedApp,
        control: &mut Control,
        decided: Deployment,
        staged: Staged,
    ) -> Result<Deployment, ApiError> {
        let started = staged.started;
        if let Some((placed, loaded)) = staged.loaded {
            control.keep(placed, loaded);
        }
        self.converge(app, control, &decided).await;
        match self.state(&decided.model) {
            Some(ModelState::Ready) => {
                app.metrics.swap("live", started.elapsed());
                Ok(decided)
            }
            state => {
                app.metrics.swap("failed", started.elapsed());
                let reason = state.as_ref().and_then(ModelState::reason).unwrap_or("it did not become ready");
                Err(ApiError::internal(format!("decided, and yet not live: {reason}")))
            }
        }
    }

    /// Brings one model to what should run, under its turn.
    async fn converge(&self, app: &SharedApp, control: &mut Control, desired: &Deployment) {
        if control.is_at(desired) {
            return;
        }
        // What is in memory already is live at once: nobody is to be sent elsewhere for that.
        if control.live_generation().is_none() && !control.has(&desired.primary) {
            self.set_state(app, &desired.model, Some(ModelState::Deploying));
        }
        let state = match self.load_missing(app, control, desired).await {
            Ok(()) => {
                control.publish(app, desired);
                tracing::info!(model = %desired.model, name = %desired.name, version = desired.primary.spec.version, "live");
                ModelState::Ready
            }
            Err(failure) => {
                tracing::warn!(model = %desired.model, name = %desired.name, %failure, "cannot serve what should be live");
                control.note_failure(desired, &failure);
                match (control.live_generation(), failure.is_settled()) {
                    (Some(_), _) => ModelState::Degraded(failure.to_string()),
                    (None, true) => ModelState::Failed(failure.to_string()),
                    (None, false) => ModelState::Deploying,
                }
            }
        };
        self.set_state(app, &desired.model, Some(state.clone()));
        watch::report(app, desired, &state).await;
    }

    async fn load_missing(
        &self,
        app: &SharedApp,
        control: &mut Control,
        desired: &Deployment,
    ) -> Result<(), load::Failure> {
        let beside = desired.canary.iter().map(|(_, placed)| placed).chain(&desired.shadow);
        let wanted: Vec<_> = std::iter::once(&desired.primary).chain(beside).collect();
        let of = Of { organization: &desired.organization, model: &desired.model, name: &desired.name };
        for placed in wanted.iter().copied() {
            if !control.has(placed) {
                let loaded = self.load_with_room(app, control, of, (placed, &wanted)).await?;
                control.keep(placed.clone(), loaded);
            }
        }
        Ok(())
    }

    fn control(&self, model: &ModelId) -> Arc<tokio::sync::Mutex<Control>> {
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        controls.entry(model.clone()).or_default().clone()
    }

    /// Drops the control of a model that is not deployed, unless somebody waits for its turn.
    fn forget(&self, model: &ModelId) {
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        if controls.get(model).is_some_and(|control| Arc::strong_count(control) == 1) {
            controls.remove(model);
        }
    }

    fn set_state(&self, app: &SharedApp, model: &ModelId, state: Option<ModelState>) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            Some(state) => states.insert(model.to_string(), state),
            None => states.remove(model.as_str()),
        };
        app.readiness.set_models(states.clone());
    }
}

/// Notes with a version that it is no good, when that is what its failure says.
async fn reject(app: &SharedApp, actor: &Actor, (model, placed): (&ModelId, &Placed), failure: &load::Failure) {
    let Some(reason) = failure.condemns(app, placed) else { return };
    if let Err(error) = app.registry.reject_version(actor, model, placed.spec.version, &reason).await {
        tracing::warn!(%error, %model, version = placed.spec.version, "could not note that a version is no good");
    }
}

/// Runs a change on a task of its own: a caller that hangs up does not leave it half done.
pub async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(change).await.unwrap_or_else(|error| Err(ApiError::internal(error)))
}
