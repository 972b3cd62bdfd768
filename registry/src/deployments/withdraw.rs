//! Taking a version down that turned out worse than the one before, without being asked.

use super::breaking::{Breaking, Successor};
use super::rollout::{Change, finish};
use super::row::{self, Plan};
use super::{Deployment, Forced, RolledBack};
use crate::actor::Actor;
use crate::database::Write;
use crate::error::Result;
use crate::models::touch;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};

/// Which version is taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnTrial {
    /// The one that answers: the one before it is live again.
    Primary,
    /// The one that takes a share: what is live takes everything again.
    Canary,
}

/// What was found of a version.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The state of things that it was found in: anything decided since then is left alone.
    pub generation: i64,
    /// Which one.
    pub on_trial: OnTrial,
    /// What it is, and what was found.
    pub found: RolledBack,
}

impl Registry {
    /// `model.rolled_back`, with the evidence in its entry: a version is taken down because of what was found of it. `None`,
    /// and nothing is changed, when something else has been decided since, or there is no way back that would not break
    /// callers: of many nodes that find the same, one takes it down.
    pub async fn withdraw(&self, organization: &str, model: &ModelId, finding: Finding) -> Result<Option<Deployment>> {
        let (now, actor) = (Timestamp::now(), Actor::system(organization));
        let mut write = self.database().write().await?;
        touch(&mut write, &actor, model, None, now).await?;
        let current = row::select_one(write.connection(), model).await?;
        let Some(current) = current.filter(|current| current.generation == finding.generation) else { return Ok(None) };
        let current = Plan::of(current);
        let Some(plan) = way_back(&mut write, model, (&current, finding.on_trial), now).await? else { return Ok(None) };
        let because = Some(("evidence", finding.found.evidence.clone()));
        let plan = Plan { rolled_back: Some(finding.found), ..plan };
        let change =
            Change { action: "model.rolled_back", model, current: Some(current), plan, promoted: None, because };
        finish(write, &actor, now, change).await.map(Some)
    }
}

async fn way_back(
    write: &mut Write,
    model: &ModelId,
    (current, on_trial): (&Plan, OnTrial),
    now: Timestamp,
) -> Result<Option<Plan>> {
    if on_trial == OnTrial::Canary {
        let forced = Forced { canary: false, ..current.forced };
        return Ok(current.canary.is_some().then(|| Plan { canary: None, forced, ..current.clone() }));
    }
    let Some(plan) = current.back(now).filter(|_| !current.by_rollback) else { return Ok(None) };
    let successor = Successor { model, live: current.primary.version, next: plan.primary.version };
    let changes = successor.changes(write.connection(), Breaking::Forced).await?;
    Ok(changes.is_empty().then_some(plan))
}
