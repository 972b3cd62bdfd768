//! Putting deployments to sleep that nobody asks anything, and waking those that somebody does.

use super::Reconciler;
use super::load::Failure;
use super::sleepers::Origin;
use crate::app::SharedApp;
use servoir_runtime::Deployment;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// For so long memory must have been free for the allocator to give it back, and a second more.
const GIVES_BACK_AFTER: Duration = Duration::from_secs(2);

/// Wakes deployments that are called, for ever; one that takes long holds up no other.
pub async fn keep_waking(app: &SharedApp) {
    let mut waking = JoinSet::new();
    loop {
        tokio::select! {
            () = app.reconciler.sleepers.called() => {}
            Some(_) = waking.join_next() => {}
        }
        for (deployment, origin) in app.reconciler.sleepers.take_called(Instant::now()) {
            let app = Arc::clone(app);
            waking.spawn(async move { app.reconciler.wake(&app, &deployment, &origin).await });
        }
    }
}

impl Reconciler {
    /// Loads a deployment's program anew; what waits is then answered, or told why not.
    async fn wake(&self, app: &SharedApp, deployment: &Arc<Deployment>, origin: &Origin) {
        let (started, identity) = (Instant::now(), deployment.identity());
        let (model, version) = (&identity.model, identity.version);
        let woken = self.reload_with_room(app, deployment, origin).await;
        match &woken {
            Ok(()) => tracing::info!(%model, version, elapsed_ms = started.elapsed().as_millis() as u64, "woken"),
            Err(failure) => tracing::warn!(%model, version, %failure, "could not be woken"),
        }
        self.sleepers.tried(deployment, woken.map_err(|failure| failure.to_string()), Instant::now());
    }

    /// Wakes a deployment that sleeps, for who needs it without asking it anything.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub(super) async fn awaken(&self, app: &SharedApp, deployment: &Arc<Deployment>) -> Result<(), Failure> {
        match self.sleepers.origin(deployment).filter(|_| deployment.is_asleep()) {
            Some(origin) => self.reload_with_room(app, deployment, &origin).await,
            None => Ok(()),
        }
    }

    /// Frees a deployment's memory, unless somebody asks it something just now.
    pub(super) async fn put_to_sleep(&self, deployment: &Arc<Deployment>) {
        let one = Arc::clone(deployment);
        // The last of what is freed may be freed here.
        if self.loading_threads().run(move || one.fall_asleep()).await == Some(true) {
            let identity = deployment.identity();
            tracing::info!(model = %identity.model, version = identity.version, "idle: its memory is given back");
            tokio::spawn(give_back());
        }
    }
}

/// Makes the allocator give back what was freed: it looks for what has been free for a second when a thread ends, and where nobody asks
/// anything none does.
async fn give_back() {
    tokio::time::sleep(GIVES_BACK_AFTER).await;
    let thread = std::thread::Builder::new().name("servoir-give-back".to_owned());
    // A thread that has never asked for memory has nothing to look through.
    if let Err(error) = thread.spawn(|| drop(std::hint::black_box(Box::new(0_u64)))) {
        tracing::debug!(%error, "no thread could be started to give memory back");
    }
}
