//! Reading the folder at start, and by the clock where that is configured.

use super::fingerprint::Fingerprint;
use super::{ModelsDirectory, off_the_async_threads};
use crate::app::SharedApp;
use crate::readiness::ModelState;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Brings up every model of the folder, then follows its changes by the clock if that is configured, until `stop`. A model
/// that takes long to load holds up no other.
pub async fn keep_reading(app: SharedApp, directory: Arc<ModelsDirectory>, stop: CancellationToken) {
    let mut turns = JoinSet::new();
    begin(&app, &directory, &mut turns).await;
    let mut clock = clock(app.config.models.poll_seconds);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tick(&mut clock) => poll(&app, &directory, &mut turns).await,
            Some(done) = turns.join_next() => {
                if let Err(error) = done {
                    tracing::error!(%error, "the turn of a model ended abnormally");
                }
            }
        }
    }
    turns.shutdown().await;
}

fn clock(seconds: u64) -> Option<Interval> {
    let period = Duration::from_secs(seconds);
    (!period.is_zero()).then(|| {
        let mut clock = tokio::time::interval_at(Instant::now() + period, period);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        clock
    })
}

async fn tick(clock: &mut Option<Interval>) {
    match clock {
        Some(clock) => drop(clock.tick().await),
        None => std::future::pending().await,
    }
}

/// The first reading: every model is announced before any is loaded, so that readiness waits for all of them.
async fn begin(app: &SharedApp, directory: &Arc<ModelsDirectory>, turns: &mut JoinSet<()>) {
    let folders = match directory.folders().await {
        Ok(folders) => folders,
        Err(refusal) => {
            tracing::error!(%refusal, "cannot read the folder of models");
            let root = directory.root.display().to_string();
            app.readiness.set_models([(root, ModelState::Failed(refusal.to_string()))].into());
            return;
        }
    };
    if folders.is_empty() {
        tracing::warn!(folder = %directory.root.display(), "there are no models in the folder");
        app.readiness.set_models(BTreeMap::new());
    }
    directory.announce(app, folders.keys());
    for (name, folder) in folders {
        let (app, directory) = (app.clone(), Arc::clone(directory));
        turns.spawn(async move {
            let turn = directory.turn(&name);
            let mut held = turn.lock().await;
            // What goes wrong has been noted and logged where the folder was followed.
            let _ = directory.follow(&app, &name, &folder, &mut held).await;
        });
    }
}

/// A later reading: follows each folder that has changed since it was followed, and not since it was last looked at.
/// Something that is still being written is thus left alone until it is whole.
async fn poll(app: &SharedApp, directory: &Arc<ModelsDirectory>, turns: &mut JoinSet<()>) {
    let folders = match directory.folders().await {
        Ok(folders) => folders,
        Err(refusal) => {
            tracing::warn!(%refusal, "cannot read the folder of models; what is live stays live");
            return;
        }
    };
    withdraw_others(app, directory, &folders);
    for (name, folder) in folders {
        let turn = directory.turn(&name);
        // A turn that is under way sees to itself.
        let Ok(mut held) = turn.try_lock_owned() else { continue };
        let path = folder.clone();
        let looked = off_the_async_threads(move || Fingerprint::of(&path)).await;
        let now = match looked.and_then(|looked| looked) {
            Ok(now) => Some(now),
            Err(refusal) => {
                tracing::debug!(model = name, %refusal, "cannot look at the model's folder");
                continue;
            }
        };
        let is_settled = held.seen == now;
        held.seen.clone_from(&now);
        if held.is_unloaded || held.followed == now || !is_settled {
            continue;
        }
        let (app, directory) = (app.clone(), Arc::clone(directory));
        turns.spawn(async move {
            let _ = directory.follow(&app, &name, &folder, &mut held).await;
        });
    }
}

/// Takes down models whose folders are gone.
fn withdraw_others(app: &SharedApp, directory: &Arc<ModelsDirectory>, folders: &BTreeMap<String, PathBuf>) {
    let known: Vec<String> =
        directory.standings.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
    for name in known.iter().filter(|name| !folders.contains_key(*name)) {
        let turn = directory.turn(name);
        let Ok(mut held) = turn.try_lock() else { continue };
        let _finishes_by_itself = held.withdraw(app, name);
        directory.change_standing(app, name, |_| None);
        directory.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        tracing::info!(model = name, "taken down: its folder is gone");
    }
}
