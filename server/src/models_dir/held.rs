//! What this process holds of one model of a folder, under the model's turn.

use super::fingerprint::Fingerprint;
use super::load::load;
use super::reading::{Candidate, Options, Reading};
use super::refusal::Refusal;
use super::standing::Standing;
use crate::app::SharedApp;
use crate::auth::DEFAULT_ORGANIZATION;
use servoir_runtime::{Deployment, Live};
use servoir_types::ModelId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// What this process holds of one model.
#[derive(Default)]
pub struct Held {
    live: BTreeMap<u64, Loaded>,
    /// The folder as it was when it was last followed.
    pub followed: Option<Fingerprint>,
    /// The folder as it was when it was last looked at.
    pub seen: Option<Fingerprint>,
    /// It was taken down and stays so until it is asked for.
    pub is_unloaded: bool,
}

/// A version in memory, and what it was made of.
#[derive(Clone)]
struct Loaded {
    candidate: Candidate,
    options: Arc<Options>,
    deployment: Arc<Deployment>,
}

impl Held {
    /// Makes live what a reading asks for, with one store. When a part of it cannot be served, what was live stays live
    /// as it was; where nothing was, the versions that can be served are.
    ///
    /// # Errors
    /// The first reason why not everything is live; where the model stands is given back in either case.
    pub async fn follow(
        &mut self,
        app: &SharedApp,
        name: &str,
        reading: Result<Reading, Refusal>,
    ) -> (Standing, Result<(), Refusal>) {
        let started = Instant::now();
        let reading = match reading {
            Ok(reading) => reading,
            Err(refusal) => {
                app.metrics.swap("refused", started.elapsed());
                return (Standing::refused(self.live.keys(), &refusal), Err(refusal));
            }
        };
        let (mut next, mut refused) = (BTreeMap::new(), BTreeMap::new());
        let options = Arc::new(reading.options);
        for (version, candidate) in reading.chosen {
            match self.loaded(app, (name, version), candidate, &options).await {
                Ok(loaded) => drop(next.insert(version, loaded)),
                Err(refusal) => drop(refused.insert(version, refusal)),
            }
        }
        if !self.is(&next) && (refused.is_empty() || self.live.is_empty()) {
            self.publish(app, name, next);
            app.metrics.swap("live", started.elapsed());
        }
        if !refused.is_empty() {
            app.metrics.swap("refused", started.elapsed());
        }
        let standing = Standing::of(self.live.keys(), &refused, &reading.others);
        (standing, refused.into_values().next().map_or(Ok(()), Err))
    }

    /// A version in memory: the one that is there when neither its files nor its options have changed.
    async fn loaded(
        &self,
        app: &SharedApp,
        (name, version): (&str, u64),
        candidate: Result<Candidate, Refusal>,
        options: &Arc<Options>,
    ) -> Result<Loaded, Refusal> {
        let candidate = candidate?;
        let same = |loaded: &&Loaded| loaded.candidate == candidate && loaded.options.same(options);
        if let Some(loaded) = self.live.get(&version).filter(same) {
            return Ok(loaded.clone());
        }
        let deployment = load(app, (name, version), &candidate, options).await?;
        Ok(Loaded { candidate, options: Arc::clone(options), deployment })
    }

    /// Whether exactly these are live.
    fn is(&self, next: &BTreeMap<u64, Loaded>) -> bool {
        let same = |(one, other): (&Loaded, &Loaded)| Arc::ptr_eq(&one.deployment, &other.deployment);
        self.live.keys().eq(next.keys()) && self.live.values().zip(next.values()).all(same)
    }

    /// One store makes all of them live, the highest as the one that answers when no version is named. What is no longer
    /// live is freed by its own threads once its last request has ended.
    fn publish(&mut self, app: &SharedApp, name: &str, next: BTreeMap<u64, Loaded>) {
        let versions: Vec<u64> = next.keys().copied().collect();
        let mut deployments: Vec<_> = next.values().map(|loaded| Arc::clone(&loaded.deployment)).collect();
        let Some(primary) = deployments.pop() else { return };
        let live = Live { primary, canary: None, shadow: None, also: deployments };
        let _replaced = app.serving.publish(DEFAULT_ORGANIZATION, name, &ModelId::from_text(name), live);
        app.metrics.keep_versions(name, &versions);
        tracing::info!(model = name, ?versions, "live");
        self.live = next;
    }

    /// Takes the model down and gives back what was live, so that the caller can wait for its last requests.
    pub fn withdraw(&mut self, app: &SharedApp, name: &str) -> Vec<Arc<Deployment>> {
        self.followed = None;
        app.metrics.keep_versions(name, &[]);
        app.serving.withdraw(&ModelId::from_text(name));
        std::mem::take(&mut self.live).into_values().map(|loaded| loaded.deployment).collect()
    }
}
