//! What goes on beside requests: following the registry, writing, and taking away what is too old.

use super::service::Monitoring;
use super::settings::LABEL_WINDOW_DAYS_MAX;
use crate::config::MonitoringConfig;
use servoir_monitor::{BUCKET_SECONDS, bucket_start};
use servoir_registry::Registry;
use servoir_types::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the registry is asked for baselines and settings even when it has not said that something changed.
const POLL: Duration = Duration::from_secs(5);
/// The shortest time from one asking to the next.
const PAUSE: Duration = Duration::from_millis(200);
/// How often what is too old is taken away.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

const DAY_SECONDS: i64 = 86_400;

/// Keeps taps as the registry wants them and writes down what they count, until `stop`.
pub async fn keep_monitoring(monitoring: Arc<Monitoring>, config: MonitoringConfig, stop: CancellationToken) {
    let follow = stop.clone().run_until_cancelled_owned(keep_following(Arc::clone(&monitoring)));
    let sweep = stop.clone().run_until_cancelled_owned(keep_swept(monitoring.registry.clone(), config.retention_days));
    let write = stop.run_until_cancelled_owned(keep_written(monitoring, config.flush_seconds));
    let _stopped = tokio::join!(follow, sweep, write);
}

async fn keep_following(monitoring: Arc<Monitoring>) {
    let mut changes = monitoring.registry.changes();
    loop {
        changes.mark_unchanged();
        monitoring.follow(None).await;
        tokio::time::sleep(PAUSE).await;
        let _poll = tokio::time::timeout(POLL, changes.changed()).await;
    }
}

/// Whether the clock was put back between two looks at it. By no more than a bucket, the present bucket goes on until its time
/// has come again.
pub(super) fn is_put_back(last: Timestamp, now: Timestamp) -> bool {
    now < last.plus_seconds(-BUCKET_SECONDS)
}

async fn keep_written(monitoring: Arc<Monitoring>, flush_seconds: u64) {
    let mut last = Timestamp::now();
    loop {
        let now = Timestamp::now();
        if is_put_back(last, now) {
            monitoring.put_back(now).await;
        }
        last = now;
        let left = bucket_start(now).plus_seconds(BUCKET_SECONDS).as_millis() - now.as_millis();
        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
        tokio::time::sleep(left.min(Duration::from_secs(flush_seconds))).await;
        if let Err(error) = monitoring.write(Timestamp::now(), false).await {
            tracing::warn!(%error, "counts of versions' traffic could not be written; they are kept");
        }
    }
}

async fn keep_swept(registry: Registry, retention_days: u64) {
    let seconds = i64::try_from(retention_days).unwrap_or(i64::MAX).saturating_mul(DAY_SECONDS);
    loop {
        let now = Timestamp::now();
        if let Err(error) = registry.sweep_monitoring(now.plus_seconds(-seconds)).await {
            tracing::warn!(%error, "counts that are too old could not be taken away");
        }
        if let Err(error) = registry.sweep_findings(now.plus_seconds(-seconds)).await {
            tracing::warn!(%error, "analyses and alerts that are too old could not be taken away");
        }
        let unlabelled = now.plus_seconds(-LABEL_WINDOW_DAYS_MAX * DAY_SECONDS);
        if let Err(error) = registry.sweep_feedback(now.plus_seconds(-seconds), unlabelled).await {
            tracing::warn!(%error, "labels that are too old could not be taken away");
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}
