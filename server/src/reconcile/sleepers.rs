//! Deployments that may sleep: who they are, how they are loaded again, and what came of the last try.

use super::load::Of;
use servoir_registry::Placed;
use servoir_runtime::{Deployment, PredictError};
use servoir_types::{ModelId, Name};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long after a failure nothing is tried again; twice as long after each more, up to the most.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The deployments of this node that may sleep.
#[derive(Default)]
pub struct Sleepers {
    all: Mutex<Vec<Sleeper>>,
    called: Arc<Notify>,
}

/// One that may.
struct Sleeper {
    deployment: Weak<Deployment>,
    origin: Arc<Origin>,
    /// Somebody sees to it.
    is_waking: bool,
    failed: Option<Failed>,
}

/// Where it comes from.
pub struct Origin {
    organization: String,
    model: ModelId,
    name: Name,
    /// The version, and how it is run.
    pub placed: Placed,
}

/// What came of the last try.
struct Failed {
    reason: String,
    /// For how long nothing is tried again, and since when.
    pause: Duration,
    at: Instant,
}

impl Origin {
    /// The model.
    pub fn of(&self) -> Of<'_> {
        Of { organization: &self.organization, model: &self.model, name: &self.name }
    }
}

impl Sleepers {
    /// From now on somebody sees to a deployment when it is called.
    pub fn add(&self, deployment: &Arc<Deployment>, of: Of<'_>, placed: &Placed) {
        deployment.tell_when_called(Arc::clone(&self.called));
        let origin = Origin {
            organization: of.organization.to_owned(),
            model: of.model.clone(),
            name: of.name.clone(),
            placed: placed.clone(),
        };
        let mut all = self.lock();
        all.retain(|sleeper| sleeper.deployment.strong_count() > 0);
        let (deployment, origin) = (Arc::downgrade(deployment), Arc::new(origin));
        all.push(Sleeper { deployment, origin, is_waking: false, failed: None });
    }

    /// Waits until one is called.
    pub async fn called(&self) {
        self.called.notified().await;
    }

    /// Those that are called and that nobody sees to: the caller now does. Where the last try has failed just now, what waits is
    /// answered with that.
    pub fn take_called(&self, now: Instant) -> Vec<(Arc<Deployment>, Arc<Origin>)> {
        let mut taken = Vec::new();
        for sleeper in self.lock().iter_mut().filter(|sleeper| !sleeper.is_waking) {
            let Some(deployment) = sleeper.deployment.upgrade().filter(|one| one.is_called()) else { continue };
            match sleeper.failed.as_ref().and_then(|failed| failed.holds(now)) {
                Some(error) => deployment.refuse_waiting(&error),
                None => {
                    sleeper.is_waking = true;
                    taken.push((deployment, Arc::clone(&sleeper.origin)));
                }
            }
        }
        taken
    }

    /// Where a deployment comes from that may sleep.
    pub fn origin(&self, deployment: &Arc<Deployment>) -> Option<Arc<Origin>> {
        let all = self.lock();
        let found = all.iter().find(|sleeper| is(sleeper, deployment));
        found.map(|sleeper| Arc::clone(&sleeper.origin))
    }

    /// Notes what came of a try; a failure is what all are answered that wait.
    pub fn tried(&self, deployment: &Arc<Deployment>, tried: Result<(), String>, now: Instant) {
        let mut all = self.lock();
        let Some(sleeper) = all.iter_mut().find(|sleeper| is(sleeper, deployment)) else { return };
        sleeper.is_waking = false;
        sleeper.failed = tried.err().map(|reason| {
            let pause = sleeper.failed.as_ref().map_or(PAUSE_FIRST, |failed| (failed.pause * 2).min(PAUSE_MAX));
            Failed { reason, pause, at: now }
        });
        if let Some(error) = sleeper.failed.as_ref().and_then(|failed| failed.holds(now)) {
            deployment.refuse_waiting(&error);
        } else if deployment.is_called() {
            // It fell asleep again, and was called before this was noted.
            self.called.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sleeper>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failed {
    /// What is answered as long as nothing is tried again.
    fn holds(&self, now: Instant) -> Option<PredictError> {
        let left = (self.at + self.pause).checked_duration_since(now).filter(|left| !left.is_zero())?;
        let retry_after_seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        Some(PredictError::NotLoaded { reason: self.reason.clone(), retry_after_seconds })
    }
}

fn is(sleeper: &Sleeper, deployment: &Arc<Deployment>) -> bool {
    std::ptr::eq(sleeper.deployment.as_ptr(), Arc::as_ptr(deployment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::started::{model, start};
    use futures_util::FutureExt as _;
    use servoir_registry::{DeploymentSpec, Tuning};
    use servoir_runtime::faulty::{Faulty, FaultyProgram, column};
    use servoir_runtime::{Priority, Request};
    use servoir_types::Digest;
    use std::str::FromStr as _;

    fn placed() -> Placed {
        let spec = DeploymentSpec {
            version: 1,
            hardware: "auto".to_owned(),
            replicas: 1,
            autoscaling: None,
            max_batch_size: None,
            max_queue_delay_ms: 0.0,
            latency_target_ms: None,
            tuning: Tuning::default(),
        };
        Placed { spec, digest: Digest::of(b""), format: "onnx".to_owned() }
    }

    fn request() -> Request {
        Request { inputs: vec![column(&[1.0])], deadline: None, priority: Priority::Normal, observed: true }
    }

    #[tokio::test]
    async fn one_try_is_made_for_all_that_wait_and_the_next_after_a_pause() {
        let program = || Faulty::by_row(Ok);
        let (deployment, sleepers) = (start(1, program()), Sleepers::default());
        let (model, name) = (model(), Name::from_str("m").expect("a name"));
        sleepers.add(&deployment, Of { organization: "org", model: &model, name: &name }, &placed());
        let mut now = Instant::now();
        assert!(deployment.fall_asleep());
        assert!(sleepers.take_called(now).is_empty(), "nobody asks");
        for pause in [1, 2, 4] {
            let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(deployment.predict(request()))).collect();
            assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
            sleepers.called().await;
            assert_eq!(sleepers.take_called(now).len(), 1);
            assert!(sleepers.take_called(now).is_empty(), "somebody sees to it");
            sleepers.tried(&deployment, Err("the store is away".to_owned()), now);
            for one in waiting {
                let refused = one.await.expect_err("it was not woken").to_string();
                assert!(refused.ends_with(&format!("the store is away; try again in {pause} s")), "{refused}");
            }
            // What comes before the pause is over is answered at once.
            let mut early = Box::pin(deployment.predict(request()));
            assert!((&mut early).now_or_never().is_none());
            now += Duration::from_millis(pause * 1000 - 1);
            assert!(sleepers.take_called(now).is_empty());
            assert!(early.await.expect_err("nothing was tried").to_string().ends_with("try again in 1 s"));
            now += Duration::from_millis(1);
        }
        let mut waiting = Box::pin(deployment.predict(request()));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(sleepers.take_called(now).len(), 1);
        deployment.wake(Arc::new(FaultyProgram(program()))).expect("it wakes");
        sleepers.tried(&deployment, Ok(()), now);
        assert!(waiting.await.is_ok());
        assert!(sleepers.origin(&deployment).is_some());
    }

    #[test]
    fn the_pause_grows_up_to_a_minute() {
        let (deployment, sleepers) = (start(1, Faulty::by_row(Ok)), Sleepers::default());
        let (model, name) = (model(), Name::from_str("m").expect("a name"));
        sleepers.add(&deployment, Of { organization: "org", model: &model, name: &name }, &placed());
        let now = Instant::now();
        (0..20).for_each(|_| sleepers.tried(&deployment, Err(String::new()), now));
        let held = sleepers.lock()[0].failed.as_ref().and_then(|failed| failed.holds(now));
        assert!(matches!(held, Some(PredictError::NotLoaded { retry_after_seconds: 60, .. })), "{held:?}");
    }
}
