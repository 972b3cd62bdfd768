//! The messages that webhooks are sent.

use super::steps::Context;
use crate::monitoring::settings::Webhook;
use serde_json::json;
use servoir_monitor::alert::AlertEventKind;
use servoir_registry::{Alert, NewDelivery};
use servoir_types::random_token;

/// Random characters of a message's id.
const ID_CHARS: usize = 24;

/// What happened, in one word.
pub fn word(kind: AlertEventKind) -> &'static str {
    match kind {
        AlertEventKind::Raised => "raised",
        AlertEventKind::Worsened => "worsened",
        AlertEventKind::Acknowledged => "acknowledged",
        AlertEventKind::Cleared => "cleared",
    }
}

/// A message that something happened to an alert.
pub fn delivery(context: &Context<'_>, webhook: &Webhook, kind: AlertEventKind, alert: &Alert) -> NewDelivery {
    let event = format!("alert.{}", word(kind));
    let body = json!({
        "type": event,
        "timestamp": context.now,
        "data": {
            "alertId": alert.id,
            "modelId": alert.model,
            "modelName": context.name,
            "version": alert.version,
            "subject": alert.subject,
            "severity": alert.severity.text(),
            "status": alert.status.text(),
            "value": alert.value,
            "threshold": alert.threshold,
            "message": alert.message,
            "raisedAt": alert.raised_at,
            "acknowledgedAt": alert.acknowledged_at,
            "clearedAt": alert.cleared_at,
        },
    });
    NewDelivery {
        id: format!("msg_{}", random_token(ID_CHARS)),
        alert: alert.id.clone(),
        webhook: webhook.id.clone(),
        event,
        body: body.to_string(),
        created_at: context.now,
    }
}
