//! Requests of versions on trial that the version before is asked too, to see whether both answer alike.
//!
//! The version before is warm, or answers beside: it is asked in its own queue, behind everything else that waits there, so nothing
//! is loaded for it. The caller waits for none of it, and none of it runs where callers are answered.

use super::divergence::Divergence;
use crate::reconcile::gate::Agreement;
use arc_swap::ArcSwap;
use servoir_runtime::{Deployment, Priority, Request};
use servoir_types::Tensor;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Of each trial the first so many requests are asked again, so that what answers quite otherwise is found at once,
const FIRST: u64 = 100;
/// and then one of so many.
const ONE_IN: u64 = 16;
/// Requests of one trial that are under way at once; while there are so many, others are passed over and not counted.
const UNDER_WAY_MAX: usize = 8;

/// Of which versions requests are sampled.
#[derive(Default)]
pub struct Sampled {
    /// By the address of the deployment, which a sample keeps from being used again.
    samples: ArcSwap<HashMap<usize, Arc<Sample>>>,
    /// Where the version before is asked.
    runtime: OnceLock<Handle>,
}

/// The sample of one version on trial.
pub struct Sample {
    deployment: Weak<Deployment>,
    before: Weak<Deployment>,
    version_before: u64,
    /// Requests that had a turn, or were not to have one.
    seen: AtomicU64,
    under_way: AtomicUsize,
    found: Mutex<Divergence>,
}

/// A request of which a copy is asked elsewhere. It is to be told the answer that the caller gets.
pub struct Asked(oneshot::Sender<Vec<Tensor>>);

impl Asked {
    /// The caller gets this answer.
    pub fn answered(self, outputs: &[Tensor]) {
        // Only the server's end takes away who waits for it.
        let _ = self.0.send(outputs.to_vec());
    }
}

impl Sampled {
    /// Copies are asked on this runtime from now on.
    pub fn on(&self, runtime: Handle) {
        self.runtime.get_or_init(|| runtime);
    }

    /// From now on these are sampled, and no others.
    pub fn set(&self, samples: impl Iterator<Item = Arc<Sample>>) {
        let by_address = samples.map(|sample| (sample.deployment.as_ptr().addr(), sample));
        self.samples.store(Arc::new(by_address.collect()));
    }

    /// The sample of a deployment, while it is on trial.
    pub fn of(&self, deployment: &Arc<Deployment>) -> Option<Arc<Sample>> {
        let samples = self.samples.load();
        if samples.is_empty() {
            return None;
        }
        samples.get(&Arc::as_ptr(deployment).addr()).map(Arc::clone)
    }

    /// Shows a request that a deployment is about to answer. When it is in the sample, the version before is asked a copy of it.
    pub fn see(&self, deployment: &Arc<Deployment>, inputs: &[Tensor], deadline: Option<Instant>) -> Option<Asked> {
        let sample = self.of(deployment)?;
        let (runtime, before) = (self.runtime.get()?, sample.take()?);
        let (answered, is) = oneshot::channel::<Vec<Tensor>>();
        let copy = Request { inputs: inputs.to_vec(), deadline, priority: Priority::Low, observed: false };
        let place = Place(sample);
        runtime.spawn(async move {
            let was = before.predict(copy).await;
            // What one of them cannot answer is counted as an error, where that is theirs.
            if let (Ok(was), Ok(is)) = (was, is.await) {
                place.0.both_answered(&before, (&was.outputs, &is));
            }
        });
        Some(Asked(answered))
    }
}

impl Sample {
    /// Of a version on trial, and of the one before it.
    pub fn new(deployment: &Arc<Deployment>, before: &Arc<Deployment>) -> Arc<Self> {
        Arc::new(Self {
            deployment: Arc::downgrade(deployment),
            before: Arc::downgrade(before),
            version_before: before.identity().version,
            seen: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            found: Mutex::default(),
        })
    }

    /// What was found by now.
    pub fn found(&self) -> Divergence {
        *self.lock()
    }

    /// What it is compared with.
    pub fn version_before(&self) -> u64 {
        self.version_before
    }

    /// Requests that are under way.
    #[cfg(test)]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// The version before, when it is a request's turn and a copy of it can be asked. If it cannot, the next request has the turn:
    /// the first ones are not used up while the version before is slow.
    fn take(&self) -> Option<Arc<Deployment>> {
        let turn = self.seen.fetch_add(1, Ordering::Relaxed);
        if turn >= FIRST && !turn.is_multiple_of(ONE_IN) {
            return None;
        }
        let before = self.take_place();
        if before.is_none() {
            self.seen.fetch_sub(1, Ordering::Relaxed);
        }
        before
    }

    /// The version before, when it need not be woken and there is a place.
    fn take_place(&self) -> Option<Arc<Deployment>> {
        let before = self.before.upgrade().filter(|before| !before.is_asleep())?;
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= UNDER_WAY_MAX {
            self.let_go();
            return None;
        }
        Some(before)
    }

    fn let_go(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    fn both_answered(&self, before: &Deployment, (was, is): (&[Tensor], &[Tensor])) {
        let Some(deployment) = self.deployment.upgrade() else { return };
        let mut one = Agreement::default();
        one.answered((before.signature(), was), (deployment.signature(), is));
        self.lock().add(&one.agreed());
    }

    fn lock(&self) -> MutexGuard<'_, Divergence> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the places for requests that are under way, given back when it is dropped.
struct Place(Arc<Sample>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.let_go();
    }
}
