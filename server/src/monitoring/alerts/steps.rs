//! What happens to alerts when something is observed, acknowledged, or gone.

use super::message;
use crate::monitoring::analysis::Observed;
use crate::monitoring::settings::MonitoringSettings;
use servoir_monitor::alert::{AlertEventKind, AlertState};
use servoir_monitor::analysis::Severity;
use servoir_registry::{Alert, AlertSeverity, AlertStatus, AlertStep, AlertSubject};
use servoir_types::{ModelId, Timestamp, random_token};

/// Random characters of an alert's id.
const ID_CHARS: usize = 16;

/// Whose alerts, and who is told of them.
pub struct Context<'a> {
    pub model: &'a ModelId,
    pub name: &'a str,
    pub version: i64,
    pub settings: &'a MonitoringSettings,
    pub now: Timestamp,
}

/// What changes by what was observed.
pub fn steps(context: &Context<'_>, seen: &[Observed], subjects: &[AlertSubject]) -> Vec<AlertStep> {
    let step = |seen: &Observed| {
        let subject = subjects.iter().find(|subject| subject.subject == seen.subject);
        step(context, seen, subject)
    };
    seen.iter().filter_map(step).collect()
}

/// What changes when nothing will be observed any more.
pub fn cleared(context: &Context<'_>, subjects: &[AlertSubject]) -> Vec<AlertStep> {
    let step = |subject: &AlertSubject| {
        let alert = subject.alert.as_ref()?;
        let alert = Alert {
            status: AlertStatus::Cleared,
            cleared_at: Some(context.now),
            message: "the version does not answer any more".to_owned(),
            ..alert.clone()
        };
        Some(told(context, &subject.subject, None, (AlertEventKind::Cleared, alert)))
    };
    subjects.iter().filter_map(step).collect()
}

/// What changes when somebody says that they have seen an alert; `None`: somebody has before.
pub fn acknowledged(context: &Context<'_>, subject: &AlertSubject, by: &str) -> Option<AlertStep> {
    let mut state = state_of(Some(subject));
    let event = state.acknowledge(context.now)?;
    let alert = Alert {
        status: AlertStatus::Acknowledged,
        acknowledged_at: Some(context.now),
        acknowledged_by: Some(by.to_owned()),
        ..subject.alert.clone()?
    };
    Some(told(context, &subject.subject, Some(state), (event.kind, alert)))
}

fn step(context: &Context<'_>, seen: &Observed, subject: Option<&AlertSubject>) -> Option<AlertStep> {
    let before = state_of(subject);
    let mut state = before;
    let event = state.observe(context.settings.hysteresis, &seen.observation);
    let raised = subject.and_then(|subject| subject.alert.clone());
    let Some(event) = event else {
        let moved =
            AlertStep { subject: seen.subject.clone(), state: kept(state), alert: None, deliveries: Vec::new() };
        return (state != before).then_some(moved);
    };
    let base = raised.unwrap_or_else(|| new(context, seen, event.severity));
    let alert = match event.kind {
        AlertEventKind::Cleared => Alert { status: AlertStatus::Cleared, cleared_at: Some(context.now), ..base },
        // It is raised, or worse than when somebody saw it.
        _ => Alert {
            status: AlertStatus::Raised,
            severity: severity(event.severity),
            value: event.value,
            threshold: event.threshold,
            message: seen.message.clone(),
            acknowledged_at: None,
            acknowledged_by: None,
            ..base
        },
    };
    Some(told(context, &seen.subject, Some(state), (event.kind, alert)))
}

fn new(context: &Context<'_>, seen: &Observed, found: Severity) -> Alert {
    Alert {
        id: format!("alert_{}", random_token(ID_CHARS)),
        model: context.model.clone(),
        version: context.version,
        subject: seen.subject.clone(),
        severity: severity(found),
        status: AlertStatus::Raised,
        value: None,
        threshold: None,
        message: String::new(),
        raised_at: context.now,
        acknowledged_at: None,
        acknowledged_by: None,
        cleared_at: None,
    }
}

fn severity(found: Severity) -> AlertSeverity {
    match found {
        Severity::None | Severity::Low => AlertSeverity::Low,
        Severity::Medium => AlertSeverity::Medium,
        Severity::High => AlertSeverity::High,
    }
}

/// The state as it was left. One that cannot be read is as good as none: it is a few counts, and the alert has its own row.
fn state_of(subject: Option<&AlertSubject>) -> AlertState {
    subject.and_then(|subject| serde_json::from_str(&subject.state).ok()).unwrap_or_default()
}

fn kept(state: AlertState) -> Option<String> {
    (state != AlertState::default()).then(|| serde_json::to_string(&state).unwrap_or_default())
}

fn told(
    context: &Context<'_>,
    subject: &str,
    state: Option<AlertState>,
    (kind, alert): (AlertEventKind, Alert),
) -> AlertStep {
    let webhooks = context.settings.webhooks.iter().filter(|webhook| webhook.events.contains(&kind));
    let deliveries = webhooks.map(|webhook| message::delivery(context, webhook, kind, &alert)).collect();
    AlertStep { subject: subject.to_owned(), state: state.and_then(kept), alert: Some(alert), deliveries }
}
