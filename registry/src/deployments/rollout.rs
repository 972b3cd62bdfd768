//! Changing what should run.

use super::breaking::{Breaking, Successor};
use super::row::{self, Plan};
use super::{Deployment, DeploymentSpec, Forced, Rollout, Strategy};
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::{set_status, touch};
use crate::registry::Registry;
use crate::studio::set_promoted;
use crate::versions::VersionState;
use serde_json::{Value, json};
use servoir_types::{BreakingChange, ModelId, Timestamp};

impl Registry {
    /// `model.deployed`, or `model.version_promoted` for a promotion: this is what should run from now on. The version must
    /// be ready and the model not archived, and unless that is forced, it must not break who calls what is live; a shadow
    /// answers nobody.
    pub async fn deploy(
        &self,
        actor: &Actor,
        model: &ModelId,
        spec: DeploymentSpec,
        rollout: impl Into<Rollout>,
    ) -> Result<Deployment> {
        let Rollout { strategy, breaking } = rollout.into();
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        if touch(&mut write, actor, model, None, now).await?.archived {
            return Err(RegistryError::ModelArchived(model.clone()));
        }
        require_ready(&mut write, model, spec.version).await?;
        let current = row::select_one(write.connection(), model).await?.map(Plan::of);
        let because = match current.as_ref().filter(|_| strategy != Strategy::Shadow) {
            None => None,
            Some(current) => {
                let successor = Successor { model, live: current.primary.version, next: spec.version };
                forced(successor.changes(write.connection(), breaking).await?)
            }
        };
        let promoted = match strategy {
            Strategy::Promotion => Some(set_promoted(&mut write, model, spec.version).await?),
            Strategy::Swap | Strategy::Canary(_) | Strategy::Shadow => None,
        };
        let is_forced = breaking == Breaking::Forced;
        let plan = match (strategy, current.clone()) {
            (Strategy::Swap, current) => swapped((spec, is_forced), current, now),
            (_, None) => return Err(RegistryError::NotDeployed(model.clone())),
            (Strategy::Promotion, current) => swapped((spec, is_forced), current, now),
            (Strategy::Canary(percent), Some(current)) => {
                let forced = Forced { canary: is_forced, ..current.forced };
                Plan { canary: Some((percent, spec)), forced, rolled_back: None, ..current }
            }
            (Strategy::Shadow, Some(current)) => Plan { shadow: Some(spec), rolled_back: None, ..current },
        };
        set_status(&mut write, model, "deployed").await?;
        let action = if promoted.is_some() { "model.version_promoted" } else { "model.deployed" };
        finish(write, actor, now, Change { action, model, current, plan, promoted, because }).await
    }

    /// `model.rolled_back`: what was live before is live again, and what is live becomes what was before; ends a canary
    /// and a shadow. Unless that is forced, it must not break who calls what is live.
    pub async fn rollback(&self, actor: &Actor, model: &ModelId, breaking: Breaking) -> Result<Deployment> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let current = row::select_one(write.connection(), model).await?.map(Plan::of);
        let current = current.ok_or_else(|| RegistryError::NotDeployed(model.clone()))?;
        let plan = current.back(now).ok_or_else(|| RegistryError::NothingToRollBack(model.clone()))?;
        let successor = Successor { model, live: current.primary.version, next: plan.primary.version };
        let because = forced(successor.changes(write.connection(), breaking).await?);
        let change =
            Change { action: "model.rolled_back", model, current: Some(current), plan, promoted: None, because };
        finish(write, actor, now, change).await
    }

    /// `model.undeployed`.
    pub async fn undeploy(&self, actor: &Actor, model: &ModelId) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let current = row::select_one(write.connection(), model).await?.map(Plan::of);
        let current = current.ok_or_else(|| RegistryError::NotDeployed(model.clone()))?;
        sqlx::query("delete from deployments where model = $1")
            .bind(model.as_str())
            .execute(write.connection())
            .await?;
        set_status(&mut write, model, "registered").await?;
        row::next_generation(write.connection()).await?;
        let before = Some(current.summary());
        let deed = Deed { action: "model.undeployed", target: model.as_str(), before, after: None };
        write.record(actor, now, deed).await?;
        write.commit().await
    }
}

/// All requests to `spec`. What was live before is kept for a rollback, unless `spec` is it.
fn swapped((spec, is_forced): (DeploymentSpec, bool), current: Option<Plan>, now: Timestamp) -> Plan {
    let mut forced = Forced { primary: is_forced, canary: false };
    let (previous, deployed_at, by_rollback) = match current {
        None => (None, now, false),
        Some(current) if current.primary == spec => {
            // Who forced it has done so still.
            forced.primary |= current.forced.primary;
            (current.previous, current.deployed_at, current.by_rollback)
        }
        Some(current) => (Some(current.primary), now, false),
    };
    Plan { primary: spec, previous, canary: None, shadow: None, deployed_at, by_rollback, forced, rolled_back: None }
}

/// What the audit says of changes that break callers.
fn forced(changes: Vec<BreakingChange>) -> Option<(&'static str, Value)> {
    (!changes.is_empty()).then(|| ("forced", json!(changes)))
}

/// Refuses a version that is not there, or not ready.
pub(crate) async fn require_ready(write: &mut Write, model: &ModelId, version: i64) -> Result<()> {
    let state: Option<String> = sqlx::query_scalar("select state from versions where model = $1 and version = $2")
        .bind(model.as_str())
        .bind(version)
        .fetch_optional(write.connection())
        .await?;
    match VersionState::from_text(&state.ok_or_else(|| RegistryError::no_version(version))?)? {
        VersionState::Ready => Ok(()),
        state => Err(RegistryError::VersionNotReady { model: model.clone(), version, state: state.text() }),
    }
}

/// A change of what should run for a touched model.
pub(super) struct Change<'a> {
    pub(super) action: &'static str,
    pub(super) model: &'a ModelId,
    pub(super) current: Option<Plan>,
    pub(super) plan: Plan,
    /// The ids of the promoted version before and after.
    pub(super) promoted: Option<(Value, Value)>,
    /// What else the audit says of it, and under which name.
    pub(super) because: Option<(&'static str, Value)>,
}

pub(super) async fn finish(mut write: Write, actor: &Actor, now: Timestamp, change: Change<'_>) -> Result<Deployment> {
    let Change { action, model, current, plan, promoted, because } = change;
    row::save(write.connection(), model, &plan).await?;
    let deployment = row::select_one(write.connection(), model)
        .await?
        .ok_or_else(|| RegistryError::Inconsistent("a deployment is gone right after it was written".into()))?;
    let (mut before, mut after) = (current.map(|plan| plan.summary()), Some(plan.summary()));
    if let (Some((was, is)), Some(before), Some(after)) = (promoted, &mut before, &mut after) {
        before["promoted"] = was;
        after["promoted"] = is;
    }
    if let (Some((name, value)), Some(after)) = (because, &mut after) {
        after[name] = value;
    }
    write.record(actor, now, Deed { action, target: model.as_str(), before, after }).await?;
    write.commit().await?;
    Ok(deployment)
}
