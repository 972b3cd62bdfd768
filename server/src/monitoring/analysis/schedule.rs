//! Analyses on schedule: of many nodes, one takes a model's turn.

use super::{Report, Subject, analyse};
use crate::app::{App, SharedApp};
use crate::error::ApiError;
use crate::monitoring::alerts;
use crate::monitoring::settings::MonitoringSettings;
use servoir_registry::Deployment;
use servoir_types::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often turns are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Analyses models when their turns come, until the server stops.
pub async fn keep_analysing(app: SharedApp, stop: CancellationToken) {
    let mut last = Timestamp::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let now = Timestamp::now();
        last = after_clock(&app, last, now).await;
        if let Err(error) = run_turns(&app, now).await {
            tracing::warn!(error = error.detail, "cannot analyse the traffic of models");
        }
        if let Err(error) = app.findings.refresh(&app).await {
            tracing::warn!(%error, "cannot read the newest analyses");
        }
    }
}

/// Sees to a clock that was put back since the last look, so that nothing waits until the old time has come again. The time to
/// compare with at the next look.
pub async fn after_clock(app: &App, last: Timestamp, now: Timestamp) -> Timestamp {
    if now >= last {
        return now;
    }
    let seconds = (last.as_millis() - now.as_millis()) / 1000;
    tracing::warn!(seconds, "the clock was put back; analyses and messages of alerts are due now");
    match app.registry.clock_was_put_back(now).await {
        Ok(()) => now,
        Err(error) => {
            tracing::warn!(%error, "analyses and messages of alerts wait until the time that they were set to");
            last
        }
    }
}

/// Analyses every model whose turn has come by `now`; how many this node has taken. One that cannot be analysed keeps no other
/// from it: the log says why.
///
/// # Errors
/// When the registry is away.
pub async fn run_turns(app: &App, now: Timestamp) -> Result<usize, ApiError> {
    let (turns, deployments) = (app.registry.analysis_turns().await?, app.registry.deployments().await?);
    let is_due = |deployment: &&Deployment| turns.get(&deployment.model).is_none_or(|next| *next <= now);
    let mut taken = 0;
    for deployment in deployments.iter().filter(is_due) {
        match take_turn(app, deployment, now).await {
            Ok(is_taken) => taken += usize::from(is_taken),
            Err(error) => {
                let reason = error.internal.unwrap_or(error.detail);
                tracing::warn!(model = %deployment.model, reason, "cannot analyse what a model is asked");
            }
        }
    }
    alerts::clear_of_versions_gone(app, &deployments, now).await?;
    Ok(taken)
}

/// Takes a model's turn, unless another node has.
async fn take_turn(app: &App, deployment: &Deployment, now: Timestamp) -> Result<bool, ApiError> {
    let settings = MonitoringSettings::of(&app.registry.monitoring_settings(&deployment.model).await?)?;
    let next = now.plus_seconds(settings.interval_seconds);
    let is_taken = app.registry.take_analysis_turn(&deployment.model, now, next).await?;
    if is_taken {
        turn(app, deployment, &settings, now).await?;
    }
    Ok(is_taken)
}

/// Analyses the versions that answer for a model, and takes in what that means for alerts.
async fn turn(
    app: &App,
    deployment: &Deployment,
    settings: &MonitoringSettings,
    now: Timestamp,
) -> Result<(), ApiError> {
    for version in answering(deployment) {
        if app.registry.active_baseline(&deployment.model, version).await?.is_none() {
            continue;
        }
        let mut reports = Vec::<Report>::new();
        for window in &settings.windows {
            let subject = Subject { model: &deployment.model, version, window: *window };
            reports.push(analyse(app, subject, settings, now).await?);
        }
        alerts::take_in(app, deployment, version, (settings, &reports), now).await?;
    }
    Ok(())
}

/// The versions that answer callers.
pub fn answering(deployment: &Deployment) -> impl Iterator<Item = i64> {
    let canary = deployment.canary.iter().map(|(_, placed)| placed.spec.version);
    std::iter::once(deployment.primary.spec.version).chain(canary)
}
