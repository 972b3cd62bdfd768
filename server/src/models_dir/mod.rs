//! A folder of models in place of the registry: what lies in it is live, and is read again when somebody asks or by the
//! clock. Nothing is ever written into it.
//!
//! Each model has a turn, under which its folder is read, loaded and published with one store. Requests see nothing of
//! all this: they find what is live in the serving table, as they do with the registry.

mod config_file;
mod fingerprint;
mod held;
mod layout;
#[cfg(test)]
mod layout_tests;
mod load;
mod made_up;
mod reading;
mod refusal;
mod standing;
mod warmed;
mod watch;

use crate::app::SharedApp;
use crate::auth::DEFAULT_ORGANIZATION;
use crate::error::ApiError;
use crate::reconcile::to_its_end;
use fingerprint::Fingerprint;
use held::Held;
use reading::Reading;
use servoir_registry::Actor;
use servoir_types::Kind;
use standing::Standing;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use refusal::Refusal;
pub use standing::Indexed;
pub use watch::keep_reading;

/// A folder of models. They belong to the organization of the bootstrap key, and a model's id is its name.
pub struct ModelsDirectory {
    root: PathBuf,
    /// The name of the one model that the folder holds itself.
    name: Option<String>,
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Held>>>>,
    standings: Mutex<BTreeMap<String, Standing>>,
}

impl ModelsDirectory {
    /// A folder that can be read; nothing is loaded yet.
    ///
    /// # Errors
    /// When it is not there or its layout is not understood.
    pub async fn open(root: PathBuf, name: Option<String>) -> Result<Self, Refusal> {
        let directory = Self { root, name, turns: Mutex::default(), standings: Mutex::default() };
        directory.folders().await?;
        Ok(directory)
    }

    /// Reads a model's folder again and makes live what it asks for; returns when it is. Once begun it goes on to its end.
    ///
    /// # Errors
    /// 404 when there is no such folder; 422 with the reason when not everything could be made live: what was live is.
    pub async fn load(self: &Arc<Self>, app: &SharedApp, actor: &Actor, name: &str) -> Result<(), ApiError> {
        let folders = self.folders().await.map_err(|refusal| refusal.to_api_error(name))?;
        let folder = folders.get(name).filter(|_| actor.organization == DEFAULT_ORGANIZATION);
        let folder = folder.cloned().ok_or_else(|| self.no_such_folder(name))?;
        tracing::info!(model = name, subject = actor.subject, "asked to load");
        let (directory, app, name) = (Arc::clone(self), app.clone(), name.to_owned());
        to_its_end(async move {
            let turn = directory.turn(&name);
            let mut held = turn.lock().await;
            let followed = directory.follow(&app, &name, &folder, &mut held).await;
            followed.map_err(|refusal| refusal.to_api_error(&name))
        })
        .await
    }

    /// Takes a model down until it is asked for again; returns when the requests in flight have finished, or have had
    /// their time. One that is down already stays so.
    ///
    /// # Errors
    /// 404 when no such model is known.
    pub async fn unload(self: &Arc<Self>, app: &SharedApp, actor: &Actor, name: &str) -> Result<(), ApiError> {
        if actor.organization != DEFAULT_ORGANIZATION || !self.is_known(name) {
            return Err(self.no_such_folder(name));
        }
        tracing::info!(model = name, subject = actor.subject, "asked to unload");
        let (directory, app, name) = (Arc::clone(self), app.clone(), name.to_owned());
        to_its_end(async move {
            let turn = directory.turn(&name);
            let mut held = turn.lock().await;
            held.is_unloaded = true;
            let gone = held.withdraw(&app, &name);
            directory.change_standing(&app, &name, |before| Some(Standing::unloaded(before)));
            drop(held);
            let patience = Duration::from_secs(app.config.limits.predict_seconds_max);
            let idle = futures_util::future::join_all(gone.iter().map(|deployment| deployment.idle()));
            if tokio::time::timeout(patience, idle).await.is_err() {
                tracing::warn!(model = name, "requests were still in flight when their time was over");
            }
            Ok(())
        })
        .await
    }

    /// Every version of every model in the folder, with why it does not answer if it does not; nothing for callers of
    /// other organizations.
    pub async fn index(&self, organization: &str) -> Vec<Indexed> {
        if organization != DEFAULT_ORGANIZATION {
            return Vec::new();
        }
        let folders = self.folders().await.unwrap_or_default();
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: Vec<_> = standings.iter().flat_map(|(name, standing)| standing.indexed(name)).collect();
        let new = folders.into_keys().filter(|name| !standings.contains_key(name));
        lines.extend(new.map(|name| Indexed { name, version: None, reason: Some("not loaded yet".to_owned()) }));
        lines.sort();
        lines
    }

    /// The folders of the models, by name.
    async fn folders(&self) -> Result<BTreeMap<String, PathBuf>, Refusal> {
        let (root, name) = (self.root.clone(), self.name.clone());
        off_the_async_threads(move || layout::models(&root, name.as_deref())).await?
    }

    /// Reads a model's folder and makes live what it asks for, under the model's turn.
    async fn follow(&self, app: &SharedApp, name: &str, folder: &Path, held: &mut Held) -> Result<(), Refusal> {
        let (owned, path) = (name.to_owned(), folder.to_owned());
        // The fingerprint first: what is written after it makes the next one differ.
        let read = off_the_async_threads(move || (Fingerprint::of(&path).ok(), Reading::of(&owned, &path)));
        let (fingerprint, reading) = read.await?;
        held.is_unloaded = false;
        held.seen.clone_from(&fingerprint);
        held.followed = fingerprint;
        let (standing, outcome) = held.follow(app, name, reading).await;
        if let Some(reason) = standing.state.as_ref().and_then(|state| state.reason()) {
            tracing::warn!(model = name, reason, "cannot serve what the folder asks for");
        }
        self.change_standing(app, name, |_| Some(standing));
        outcome
    }

    fn turn(&self, name: &str) -> Arc<tokio::sync::Mutex<Held>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(name.to_owned()).or_default().clone()
    }

    fn is_known(&self, name: &str) -> bool {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }

    /// Notes that models are on their way, and tells readiness.
    fn announce<'a>(&self, app: &SharedApp, names: impl Iterator<Item = &'a String>) {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        standings.extend(names.map(|name| (name.clone(), Standing::coming())));
        tell(app, &standings);
    }

    /// Notes where a model stands, or forgets it, and tells readiness.
    fn change_standing(&self, app: &SharedApp, name: &str, change: impl FnOnce(Option<Standing>) -> Option<Standing>) {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let before = standings.remove(name);
        if let Some(standing) = change(before) {
            standings.insert(name.to_owned(), standing);
        }
        tell(app, &standings);
    }

    fn no_such_folder(&self, name: &str) -> ApiError {
        let name: String = name.chars().filter(|c| !c.is_control()).take(128).collect();
        let detail = format!("there is no model '{name}' in {}", self.root.display());
        ApiError::new(Kind::NotFound, "model-not-found", detail)
    }
}

fn tell(app: &SharedApp, standings: &BTreeMap<String, Standing>) {
    let states = standings.iter().filter_map(|(name, standing)| Some((name.clone(), standing.state.clone()?)));
    app.readiness.set_models(states.collect());
}

async fn off_the_async_threads<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(read).await.map_err(|_| Refusal::Aborted)
}
