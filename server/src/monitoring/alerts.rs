//! Alerts: what analyses after analyses come to, kept, shown and told.

mod message;
mod steps;

use crate::app::App;
use crate::error::ApiError;
use crate::monitoring::analysis::{Report, answering, observed};
use crate::monitoring::settings::MonitoringSettings;
use servoir_registry::{Actor, Alert, Deployment, Model, RaisedAlerts, RegistryError};
use servoir_types::{ModelId, Timestamp};
use std::collections::HashSet;
use steps::{Context, acknowledged, cleared, steps};

/// Takes in what a version's windows have come to.
///
/// # Errors
/// When the registry is away.
pub async fn take_in(
    app: &App,
    deployment: &Deployment,
    version: i64,
    (settings, reports): (&MonitoringSettings, &[Report]),
    now: Timestamp,
) -> Result<(), RegistryError> {
    let context = Context { model: &deployment.model, name: deployment.name.as_str(), version, settings, now };
    let done = app
        .registry
        .step_alerts(&deployment.model, version, |subjects| {
            let known: Vec<&str> = subjects.iter().map(|subject| subject.subject.as_str()).collect();
            steps(&context, &observed(reports, &known), subjects)
        })
        .await?;
    if done.iter().any(|step| !step.deliveries.is_empty()) {
        app.webhooks.wake();
    }
    Ok(())
}

/// `model.alert_acknowledged`: somebody has seen an alert.
///
/// # Errors
/// 404 when the model has no such alert, 409 when it is over.
pub async fn acknowledge(app: &App, actor: &Actor, model: &Model, id: &str) -> Result<Alert, ApiError> {
    let settings = MonitoringSettings::of(&app.registry.monitoring_settings(&model.id).await?)?;
    let alert = app.registry.acknowledge_alert(actor, &model.id, id, |version, subject, now| {
        let context = Context { model: &model.id, name: model.name.as_str(), version, settings: &settings, now };
        acknowledged(&context, subject, &actor.subject)
    });
    let alert = alert.await?;
    app.webhooks.wake();
    Ok(alert)
}

/// Clears what is raised of versions that do not answer any more: nothing will be analysed that could.
///
/// # Errors
/// When the registry is away, or holds settings that cannot be read.
pub async fn clear_of_versions_gone(app: &App, deployments: &[Deployment], now: Timestamp) -> Result<(), ApiError> {
    let live: HashSet<(&ModelId, i64)> = deployments
        .iter()
        .flat_map(|deployment| answering(deployment).map(move |version| (&deployment.model, version)))
        .collect();
    let raised = app.registry.raised_alerts().await?;
    let gone = raised.iter().filter(|alerts| !live.contains(&(&alerts.model, alerts.version)));
    for RaisedAlerts { model, name, version, .. } in gone {
        let settings = MonitoringSettings::of(&app.registry.monitoring_settings(model).await?)?;
        let context = Context { model, name, version: *version, settings: &settings, now };
        app.registry.step_alerts(model, *version, |subjects| cleared(&context, subjects)).await?;
        app.webhooks.wake();
    }
    Ok(())
}
