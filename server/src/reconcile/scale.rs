//! Deployments that scale themselves: each second a look at how busy their instances were, and more or fewer of them.

use super::sleep::keep_waking;
use crate::app::{App, SharedApp};
use servoir_runtime::{Deployment, Scaler, Scaling};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Looks for ever, and wakes what is called.
pub async fn keep_scaling(app: &SharedApp) {
    let looking = async {
        let mut looks = Looks::default();
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            looks.look(app, Instant::now()).await;
        }
    };
    tokio::join!(looking, keep_waking(app));
}

/// What was seen of the deployments that scale themselves.
#[derive(Default)]
pub struct Looks(Vec<Seen>);

/// What was seen of one.
struct Seen {
    deployment: Weak<Deployment>,
    scaler: Scaler,
    at: Instant,
    busy_nanos: u64,
    /// Requests that had come and gone, and since when there were as many and none inside.
    quiet: (u64, Instant),
}

/// What is to be done about a deployment.
enum Decided {
    /// So many instances, where that is another number than before.
    Instances(usize),
    /// Nobody has asked it anything for long enough.
    Sleep,
}

impl Looks {
    /// Looks once, at `now`, at everything that answers here, and waits until what is missing is started.
    pub async fn look(&mut self, app: &App, now: Instant) {
        self.0.retain(|seen| seen.deployment.strong_count() > 0);
        let idle = Duration::from_secs(app.config.models.idle_seconds);
        for (_, entry) in app.serving.entries() {
            let Some(live) = entry.live() else { continue };
            for deployment in live.deployments() {
                let Some(scaling) = deployment.options().scaling else { continue };
                match self.decided(deployment, (&scaling, idle), now) {
                    Some(Decided::Instances(instances)) => scale(app, deployment, instances).await,
                    Some(Decided::Sleep) => app.reconciler.put_to_sleep(deployment).await,
                    None => {}
                }
            }
        }
    }

    fn decided(
        &mut self,
        deployment: &Arc<Deployment>,
        (scaling, idle): (&Scaling, Duration),
        now: Instant,
    ) -> Option<Decided> {
        let (gauges, requests) = (deployment.gauges(), deployment.requests());
        let busy_nanos = gauges.busy_nanos;
        let is_it = |seen: &&mut Seen| std::ptr::eq(seen.deployment.as_ptr(), Arc::as_ptr(deployment));
        let Some(seen) = self.0.iter_mut().find(is_it) else {
            let deployment = Arc::downgrade(deployment);
            let (scaler, quiet) = (Scaler::default(), (requests, now));
            self.0.push(Seen { deployment, scaler, at: now, busy_nanos, quiet });
            return None;
        };
        let is_asleep = deployment.is_asleep();
        if gauges.in_flight > 0 || requests != seen.quiet.0 || is_asleep {
            seen.quiet = (requests, now);
        }
        let passed = now.saturating_duration_since(seen.at).as_nanos().max(1);
        let busy = busy_nanos.saturating_sub(seen.busy_nanos) as f64 / passed as f64;
        (seen.at, seen.busy_nanos) = (now, busy_nanos);
        if is_asleep {
            return None;
        }
        if scaling.instances_min == 0 && now.saturating_duration_since(seen.quiet.1) >= idle {
            return Some(Decided::Sleep);
        }
        let instances = deployment.instances_wanted();
        let decided = seen.scaler.look(scaling, instances, busy);
        (decided != instances).then_some(Decided::Instances(decided))
    }
}

async fn scale(app: &App, deployment: &Arc<Deployment>, instances: usize) {
    let (identity, before) = (deployment.identity(), deployment.instances_wanted());
    let (model, version) = (&identity.model, identity.version);
    let memory = app.reconciler.memory();
    let more = memory.of_session(deployment).saturating_mul(instances.saturating_sub(before) as u64);
    if !memory.has_room(more, app.config.models.memory_bytes_max) {
        tracing::debug!(%model, version, before, instances, "no more instances: there is no room for their memory");
        return;
    }
    let scaled = Arc::clone(deployment);
    match app.reconciler.loading_threads().run(move || scaled.scale_to(instances)).await {
        Some(Ok(())) => tracing::info!(%model, version, before, instances, "scaled to what the load asks for"),
        Some(Err(error)) => tracing::warn!(%model, version, before, instances, %error, "could not start instances"),
        None => tracing::error!(%model, version, instances, "starting instances panicked"),
    }
}
