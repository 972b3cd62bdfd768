//! Where the models of a folder stand, for readiness and for the index.

use super::refusal::Refusal;
use crate::readiness::ModelState;
use std::collections::BTreeMap;

/// Why a version is not live that the version policy leaves out.
const NOT_CHOSEN: &str = "the version policy leaves it out";

/// Where a model stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// As readiness tells it; `None`: it was taken down on request.
    pub state: Option<ModelState>,
    /// Each version with the reason why it is not live, if it is not.
    pub versions: BTreeMap<u64, Option<String>>,
}

/// One line of the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indexed {
    /// The model's name.
    pub name: String,
    /// The version; `None` when the model's folder tells none.
    pub version: Option<u64>,
    /// Why it does not answer; `None` when it does.
    pub reason: Option<String>,
}

impl Standing {
    /// On its way.
    pub fn coming() -> Self {
        Self { state: Some(ModelState::Deploying), versions: BTreeMap::new() }
    }

    /// Taken down on request; the versions are those that were known.
    pub fn unloaded(before: Option<Self>) -> Self {
        let versions = before.map(|before| before.versions).unwrap_or_default();
        let versions = versions.into_iter().map(|(version, reason)| (version, reason.or(Some("unloaded".to_owned()))));
        Self { state: None, versions: versions.collect() }
    }

    /// A folder that asks for nothing that could be understood; these versions stay live.
    pub fn refused<'a>(live: impl Iterator<Item = &'a u64>, refusal: &Refusal) -> Self {
        let versions: BTreeMap<_, _> = live.map(|&version| (version, None)).collect();
        let state = Some(failed(versions.is_empty(), refusal.to_string()));
        Self { state, versions }
    }

    /// A folder that was followed as far as could be.
    pub fn of<'a>(live: impl Iterator<Item = &'a u64>, refused: &BTreeMap<u64, Refusal>, others: &[u64]) -> Self {
        let live: BTreeMap<_, _> = live.map(|&version| (version, None)).collect();
        let reasons: Vec<String> = refused.iter().map(|(version, why)| format!("version {version}: {why}")).collect();
        let state = match reasons.is_empty() {
            true => ModelState::Ready,
            false => failed(live.is_empty(), reasons.join("; ")),
        };
        let others = others.iter().map(|&version| (version, Some(NOT_CHOSEN.to_owned())));
        let mut versions: BTreeMap<_, _> = others.collect();
        versions.extend(refused.iter().map(|(&version, why)| (version, Some(why.to_string()))));
        versions.extend(live);
        Self { state: Some(state), versions }
    }

    /// The model's lines of the index.
    pub fn indexed(&self, name: &str) -> Vec<Indexed> {
        let line = |version: Option<u64>, reason: Option<String>| Indexed { name: name.to_owned(), version, reason };
        if !self.versions.is_empty() {
            return self.versions.iter().map(|(&version, reason)| line(Some(version), reason.clone())).collect();
        }
        let reason = match &self.state {
            None => "unloaded",
            Some(ModelState::Deploying) => "being loaded",
            Some(state) => state.reason().unwrap_or_default(),
        };
        vec![line(None, Some(reason.to_owned()))]
    }
}

fn failed(nothing_is_live: bool, reason: String) -> ModelState {
    if nothing_is_live { ModelState::Failed(reason) } else { ModelState::Degraded(reason) }
}
