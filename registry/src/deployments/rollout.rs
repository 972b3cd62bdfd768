//! Changing what should run.

use super::row::{self, Plan};
use super::{Deployment, DeploymentSpec, Strategy};
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::{set_status, touch};
use crate::registry::Registry;
use crate::studio::set_promoted;
use crate::versions::VersionState;
use serde_json::Value;
use servoir_types::{ModelId, Timestamp};

impl Registry {
    /// `model.deployed`, or `model.version_promoted` for a promotion: this is what should run from now on. The version must
    /// be ready and the model not archived.
    pub async fn deploy(
        &self,
        actor: &Actor,
        model: &ModelId,
        spec: DeploymentSpec,
        strategy: Strategy,
    ) -> Result<Deployment> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        if touch(&mut write, actor, model, None, now).await?.archived {
            return Err(RegistryError::ModelArchived(model.clone()));
        }
        require_ready(&mut write, model, spec.version).await?;
        let current = row::select_one(write.connection(), model).await?.map(Plan::of);
        let promoted = match strategy {
            Strategy::Promotion => Some(set_promoted(&mut write, model, spec.version).await?),
            Strategy::Swap | Strategy::Canary(_) | Strategy::Shadow => None,
        };
        let plan = match (strategy, current.clone()) {
            (Strategy::Swap, current) => swapped(spec, current, now),
            (_, None) => return Err(RegistryError::NotDeployed(model.clone())),
            (Strategy::Promotion, current) => swapped(spec, current, now),
            (Strategy::Canary(percent), Some(current)) => Plan { canary: Some((percent, spec)), ..current },
            (Strategy::Shadow, Some(current)) => Plan { shadow: Some(spec), ..current },
        };
        set_status(&mut write, model, "deployed").await?;
        let action = if promoted.is_some() { "model.version_promoted" } else { "model.deployed" };
        finish(write, actor, now, Change { action, model, current, plan, promoted }).await
    }

    /// `model.rolled_back`: what was live before is live again, and what is live becomes what was before; ends a canary
    /// and a shadow.
    pub async fn rollback(&self, actor: &Actor, model: &ModelId) -> Result<Deployment> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let current = row::select_one(write.connection(), model).await?.map(Plan::of);
        let current = current.ok_or_else(|| RegistryError::NotDeployed(model.clone()))?;
        let Some(previous) = current.previous.clone() else {
            return Err(RegistryError::NothingToRollBack(model.clone()));
        };
        let plan = Plan {
            primary: previous,
            previous: Some(current.primary.clone()),
            canary: None,
            shadow: None,
            deployed_at: now,
        };
        finish(
            write,
            actor,
            now,
            Change { action: "model.rolled_back", model, current: Some(current), plan, promoted: None },
        )
        .await
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
fn swapped(spec: DeploymentSpec, current: Option<Plan>, now: Timestamp) -> Plan {
    let (previous, deployed_at) = match current {
        None => (None, now),
        Some(current) if current.primary == spec => (current.previous, current.deployed_at),
        Some(current) => (Some(current.primary), now),
    };
    Plan { primary: spec, previous, canary: None, shadow: None, deployed_at }
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
struct Change<'a> {
    action: &'static str,
    model: &'a ModelId,
    current: Option<Plan>,
    plan: Plan,
    /// The ids of the promoted version before and after.
    promoted: Option<(Value, Value)>,
}

async fn finish(mut write: Write, actor: &Actor, now: Timestamp, change: Change<'_>) -> Result<Deployment> {
    let Change { action, model, current, plan, promoted } = change;
    row::save(write.connection(), model, &plan).await?;
    let deployment = row::select_one(write.connection(), model)
        .await?
        .ok_or_else(|| RegistryError::Inconsistent("a deployment is gone right after it was written".into()))?;
    let (mut before, mut after) = (current.map(|plan| plan.summary()), Some(plan.summary()));
    if let (Some((was, is)), Some(before), Some(after)) = (promoted, &mut before, &mut after) {
        before["promoted"] = was;
        after["promoted"] = is;
    }
    write.record(actor, now, Deed { action, target: model.as_str(), before, after }).await?;
    write.commit().await?;
    Ok(deployment)
}
