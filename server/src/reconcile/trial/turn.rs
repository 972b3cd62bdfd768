//! Taking down what was found worse.

use super::divergence::Tolerated;
use super::{Found, Limits};
use crate::app::SharedApp;
use crate::config::SwapConfig;
use crate::error::ApiError;
use crate::reconcile::load::Of;
use crate::reconcile::{Reconciler, Staged, to_its_end};
use serde_json::json;
use servoir_registry::{Finding, OnTrial, RolledBack};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// How often versions on trial are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Limits {
    /// As configured.
    pub fn of(config: &SwapConfig) -> Self {
        Self {
            risk: 1.0 / config.false_alarms_one_in as f64,
            slower: 1.0 + config.slower_percent_max as f64 / 100.0,
            tolerated: Tolerated::of(config),
        }
    }
}

/// Looks at versions on trial until `stop`.
pub async fn keep_on_trial(app: SharedApp, stop: CancellationToken) {
    app.reconciler.trials.sampled.on(Handle::current());
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
        app.reconciler.look_at_trials(&app, Instant::now()).await;
    }
}

impl Reconciler {
    /// Reads what versions on trial have done by now, and takes down those that are worse than the one before.
    pub async fn look_at_trials(&self, app: &SharedApp, now: Instant) {
        let config = &app.config.swap;
        let longest = Duration::from_secs(config.watch_seconds);
        for found in self.trials.observe((&Limits::of(config), longest), now) {
            let (app, model) = (Arc::clone(app), found.model.clone());
            let done = to_its_end(async move { app.reconciler.take_down(&app, found).await });
            if let Err(error) = done.await {
                let reason = error.internal.unwrap_or(error.detail);
                tracing::error!(%model, reason, "a version is worse than the one before, and could not be taken down");
            }
        }
    }

    /// Takes a version down, unless something else is under way or has been decided in the meantime.
    async fn take_down(&self, app: &SharedApp, found: Found) -> Result<(), ApiError> {
        let started = Instant::now();
        let control = self.control(&found.model);
        // A turn that is under way may settle it; if not, the version is found worse again.
        let Ok(mut control) = control.try_lock() else { return Ok(()) };
        let Some(current) = app.registry.deployment(&found.model).await? else { return Ok(()) };
        if control.live_generation() != Some(current.generation) {
            return Ok(());
        }
        let loaded = match current.previous.as_ref().filter(|_| found.on_trial == OnTrial::Primary) {
            Some(previous) => {
                let of = Of { organization: &current.organization, model: &found.model, name: &current.name };
                let loaded = self.load_unless_held(app, &mut control, of, previous.clone()).await;
                loaded.inspect_err(|_| self.trials.end(&found.model, found.on_trial))?
            }
            None => None,
        };
        let rolled_back = self.rolled_back(&found, app.config.swap.false_alarms_one_in)?;
        let reason = found.verdict.sentence(found.version_before);
        let finding = Finding { generation: current.generation, on_trial: found.on_trial, found: rolled_back };
        match app.registry.withdraw(&current.organization, &found.model, finding).await? {
            Some(decided) => {
                let (name, version) = (&current.name, found.version);
                tracing::warn!(model = %found.model, %name, version, reason, "rolled back");
                app.metrics.rolled_back(found.verdict.cause().as_str());
                self.follow(app, &mut control, decided, Staged { loaded, started }).await?;
            }
            None => self.trials.end(&found.model, found.on_trial),
        }
        Ok(())
    }

    fn rolled_back(&self, found: &Found, false_alarms_one_in: u64) -> Result<RolledBack, ApiError> {
        let mut evidence = serde_json::to_value(found.verdict).map_err(ApiError::internal)?;
        evidence["reason"] = json!(found.verdict.sentence(found.version_before));
        evidence["onTrial"] = json!(match found.on_trial {
            OnTrial::Primary => "primary",
            OnTrial::Canary => "canary",
        });
        evidence["version"] = json!(found.version);
        evidence["comparedWith"] = json!(found.version_before);
        evidence["seconds"] = json!(found.after.as_secs_f64());
        evidence["falseAlarmsOneIn"] = json!(false_alarms_one_in);
        evidence["node"] = json!(self.node());
        Ok(RolledBack { version: i64::try_from(found.version).unwrap_or(i64::MAX), evidence })
    }
}
