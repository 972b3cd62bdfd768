//! Deployments that scale themselves: each second a look at how busy their instances were, and more or fewer of them.

use crate::app::App;
use servoir_runtime::{Deployment, Scaler, Scaling};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Looks for ever.
pub async fn keep_scaling(app: &App) {
    let mut looks = Looks::default();
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        looks.look(app, Instant::now()).await;
    }
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
}

impl Looks {
    /// Looks once, at `now`, at everything that answers here, and waits until what is missing is started.
    pub async fn look(&mut self, app: &App, now: Instant) {
        self.0.retain(|seen| seen.deployment.strong_count() > 0);
        for (_, entry) in app.serving.entries() {
            let Some(live) = entry.live() else { continue };
            for deployment in live.deployments() {
                if let Some(scaling) = deployment.options().scaling
                    && let Some(instances) = self.decided(deployment, &scaling, now)
                {
                    scale(app, deployment, instances).await;
                }
            }
        }
    }

    /// How many instances a deployment is to have, when that is another number than before.
    fn decided(&mut self, deployment: &Arc<Deployment>, scaling: &Scaling, now: Instant) -> Option<usize> {
        let busy_nanos = deployment.gauges().busy_nanos;
        let is_it = |seen: &&mut Seen| std::ptr::eq(seen.deployment.as_ptr(), Arc::as_ptr(deployment));
        let Some(seen) = self.0.iter_mut().find(is_it) else {
            let deployment = Arc::downgrade(deployment);
            self.0.push(Seen { deployment, scaler: Scaler::default(), at: now, busy_nanos });
            return None;
        };
        let passed = now.saturating_duration_since(seen.at).as_nanos().max(1);
        let busy = busy_nanos.saturating_sub(seen.busy_nanos) as f64 / passed as f64;
        (seen.at, seen.busy_nanos) = (now, busy_nanos);
        let instances = deployment.instances_wanted();
        Some(seen.scaler.look(scaling, instances, busy)).filter(|decided| *decided != instances)
    }
}

async fn scale(app: &App, deployment: &Arc<Deployment>, instances: usize) {
    let (identity, before) = (deployment.identity(), deployment.instances_wanted());
    let (model, version) = (&identity.model, identity.version);
    let scaled = Arc::clone(deployment);
    match app.reconciler.loading_threads().run(move || scaled.scale_to(instances)).await {
        Some(Ok(())) => tracing::info!(%model, version, before, instances, "scaled to what the load asks for"),
        Some(Err(error)) => tracing::warn!(%model, version, before, instances, %error, "could not start instances"),
        None => tracing::error!(%model, version, instances, "starting instances panicked"),
    }
}
