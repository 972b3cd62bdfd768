//! The loop that follows the registry.

use super::Reconciler;
use crate::app::SharedApp;
use crate::readiness::ModelState;
use servoir_registry::{Deployment, NodeState, RegistryError};
use servoir_types::{ModelId, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often the registry is read even when it has not said that something changed: the safety net for lost
/// notifications, and the pace at which what failed for the moment is tried again.
const POLL: Duration = Duration::from_secs(5);
/// Of how many polls one says that this node is alive, when nodes share the registry.
const POLLS_PER_HEARTBEAT: u64 = 4;

/// Follows the registry until `stop`. What is live stays live while the database is away, and a model that takes long to
/// load holds up no other.
pub async fn keep_converging(app: SharedApp, stop: CancellationToken) {
    let mut changes = app.registry.changes();
    let mut turns = Turns::default();
    let mut polls: u64 = 0;
    loop {
        changes.mark_unchanged();
        if let Err(error) = turns.begin(&app, polls.is_multiple_of(POLLS_PER_HEARTBEAT)).await {
            tracing::warn!(%error, "cannot read what should run; what is live stays live");
        }
        let poll = tokio::time::sleep(POLL);
        tokio::select! {
            () = stop.cancelled() => break,
            () = poll => polls += 1,
            _ = changes.changed() => {}
            () = turns.one_that_was_busy() => {}
        }
    }
    turns.tasks.shutdown().await;
    if let Err(error) = app.registry.forget_node(app.reconciler.node()).await {
        tracing::debug!(%error, "could not say that this node is gone");
    }
}

/// Models that are being brought to what should run, each on a task of its own.
#[derive(Default)]
struct Turns {
    tasks: JoinSet<ModelId>,
    busy: HashSet<ModelId>,
    /// Models that changed again while they were busy.
    missed: HashSet<ModelId>,
}

impl Turns {
    /// Reads what should run and begins a turn for every model that has none under way.
    async fn begin(&mut self, app: &SharedApp, heartbeat: bool) -> Result<(), RegistryError> {
        while let Some(done) = self.tasks.try_join_next() {
            self.end(done);
        }
        self.missed.clear();
        let desired = app.registry.deployments().await?;
        app.reconciler.withdraw_others(app, &desired).await;
        app.reconciler.announce(app, &desired);
        for deployment in desired {
            let model = deployment.model.clone();
            if !self.busy.insert(model.clone()) {
                self.missed.insert(model);
                continue;
            }
            let app: SharedApp = Arc::clone(app);
            self.tasks.spawn(async move {
                app.reconciler.converge_latest(&app, deployment, heartbeat).await;
                model
            });
        }
        Ok(())
    }

    /// Waits until a model's turn ends that changed in the meantime.
    async fn one_that_was_busy(&mut self) {
        loop {
            match self.tasks.join_next().await {
                Some(done) => {
                    if self.end(done) {
                        return;
                    }
                }
                None => return std::future::pending().await,
            }
        }
    }

    /// Notes the end of a turn; says whether the model has changed since it began.
    fn end(&mut self, done: Result<ModelId, JoinError>) -> bool {
        match done {
            Ok(model) => {
                self.busy.remove(&model);
                self.missed.remove(&model)
            }
            Err(error) => {
                // A turn that panicked does not say whose it was: all models may begin again.
                tracing::error!(%error, "a turn of the reconciler ended abnormally");
                self.busy.clear();
                false
            }
        }
    }
}

impl Reconciler {
    /// Converges under the model's turn, on what the registry says by then: a deploy of this node may have come first.
    async fn converge_latest(&self, app: &SharedApp, seen: Deployment, heartbeat: bool) {
        let control = self.control(&seen.model);
        let mut control = control.lock().await;
        if control.is_at(&seen) {
            if heartbeat
                && app.registry.is_shared()
                && let Some(state) = self.state(&seen.model)
            {
                report(app, &seen, &state).await;
            }
            return;
        }
        match app.registry.deployment(&seen.model).await {
            Ok(Some(latest)) => self.converge(app, &mut control, &latest).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, model = %seen.model, "cannot read what should run"),
        }
    }

    /// Models that this node has not met yet are on their way: not ready until they are settled.
    fn announce(&self, app: &SharedApp, desired: &[Deployment]) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        // A deploy of this node's own, which has the model's turn, sees to itself.
        for deployment in desired.iter().filter(|deployment| self.control(&deployment.model).try_lock().is_ok()) {
            states.entry(deployment.model.to_string()).or_insert(ModelState::Deploying);
        }
        app.readiness.set_models(BTreeMap::clone(&states));
    }

    /// Takes down what should not run any more.
    async fn withdraw_others(&self, app: &SharedApp, desired: &[Deployment]) {
        let here: Vec<ModelId> = self.controls.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        for model in here.iter().filter(|model| !desired.iter().any(|deployment| deployment.model == **model)) {
            let turn = self.control(model);
            // A turn that is under way is a change of this node's own, which sees to itself.
            let Ok(mut control) = turn.try_lock() else { continue };
            // Under the turn, the registry is asked again: the model may have been deployed since the list was read.
            if matches!(app.registry.deployment(model).await, Ok(None)) {
                control.withdraw(app, model);
                self.set_state(app, model, None);
                drop(control);
                drop(turn);
                self.forget(model);
            }
        }
    }
}

/// Tells the registry, for other nodes and for people, how far this node has come.
pub async fn report(app: &SharedApp, desired: &Deployment, state: &ModelState) {
    let live = app.serving.find(&desired.organization, desired.model.as_str()).and_then(|entry| entry.live());
    let said = NodeState {
        node: app.reconciler.node().to_owned(),
        model: desired.model.clone(),
        generation: desired.generation,
        state: state.as_str().to_owned(),
        reason: state.reason().map(str::to_owned),
        engine: live.map(|live| live.primary.engine().as_str().to_owned()),
        updated_at: Timestamp::now(),
    };
    if let Err(error) = app.registry.report_node(said).await {
        tracing::debug!(%error, model = %desired.model, "could not report this node's state");
    }
}
