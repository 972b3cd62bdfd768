//! Making room: versions that are only kept warm, as the way back, are let go when another needs their memory.

use super::Reconciler;
use super::control::Control;
use super::load::{Failure, Of};
use super::memory::NoRoom;
use super::sleepers::Origin;
use crate::app::SharedApp;
use servoir_registry::Placed;
use servoir_runtime::Deployment;
use std::sync::{Arc, PoisonError};
use tokio::sync::OwnedMutexGuard;

impl Reconciler {
    /// Loads a version. As long as there is no room for it, the versions that are only kept warm are let go, over all models the
    /// least recently used first; but none at all when even that would not do, and none that is to be kept.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub(super) async fn load_with_room(
        &self,
        app: &SharedApp,
        own: &mut Control,
        of: Of<'_>,
        (placed, kept): (&Placed, &[&Placed]),
    ) -> Result<Arc<Deployment>, Failure> {
        loop {
            match self.loader.load(app, of, placed).await {
                Err(Failure::Memory(no_room)) if self.let_one_go(Some(&mut *own), kept, &no_room) => {}
                loaded => return loaded,
            }
        }
    }

    /// The same for a deployment that sleeps.
    ///
    /// # Errors
    /// Why it cannot be loaded again.
    pub(super) async fn reload_with_room(
        &self,
        app: &SharedApp,
        deployment: &Arc<Deployment>,
        origin: &Origin,
    ) -> Result<(), Failure> {
        loop {
            match self.loader.reload(app, origin.of(), (deployment, &origin.placed)).await {
                Err(Failure::Memory(no_room)) if self.let_one_go(None, &[], &no_room) => {}
                loaded => return loaded,
            }
        }
    }

    /// Lets the least recently used version go that is only kept warm; `false` when there is none, or all of them together are too
    /// little. Models whose turn somebody else has are passed over.
    fn let_one_go(&self, own: Option<&mut Control>, kept: &[&Placed], no_room: &NoRoom) -> bool {
        let mut free = self.free_turns();
        let mut turns: Vec<&mut Control> = own.into_iter().chain(free.iter_mut().map(|turn| &mut **turn)).collect();
        let mut warm: Vec<(usize, Arc<Deployment>)> = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            warm.extend(turn.warm(kept).map(|one| (index, one)));
        }
        let bytes = |deployment: &Deployment| self.loader.memory().of(deployment).unwrap_or(0);
        warm.retain(|(_, deployment)| bytes(deployment) > 0);
        if warm.iter().map(|(_, deployment)| bytes(deployment)).sum::<u64>() < no_room.missing() {
            return false;
        }
        let oldest = warm.into_iter().min_by_key(|(_, deployment)| deployment.statistics().last_inference_ms);
        let Some((whose, oldest)) = oldest else { return false };
        let (identity, bytes) = (oldest.identity(), bytes(&oldest));
        tracing::info!(model = %identity.model, version = identity.version, bytes, "let go for want of memory");
        turns[whose].let_go(&oldest);
        true
    }

    /// The models whose turn nobody has.
    fn free_turns(&self) -> Vec<OwnedMutexGuard<Control>> {
        let controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        controls.values().filter_map(|control| Arc::clone(control).try_lock_owned().ok()).collect()
    }
}
