//! An alert as the Studio shows it.

use crate::http::openapi::texts::one_of;
use serde::Serialize;
use servoir_registry::{Alert as Row, AlertSeverity, AlertStatus, Delivery as DeliveryRow};
use servoir_types::{Timestamp, VersionId};
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alert {
    /// `alert_…`.
    alert_id: String,
    /// `ver_…`: the version that it is about.
    version_id: String,
    /// `drift`, `data_quality`, `performance`, `feature:NAME` or `output:NAME`.
    subject: String,
    /// `low`, `medium` or `high`: the worst that it has been.
    #[schema(schema_with = severity_schema)]
    severity: &'static str,
    /// `raised`, `acknowledged` or `cleared`.
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// What was held against the threshold when it was raised, or became worse.
    #[schema(required)]
    value: Option<f64>,
    #[schema(required)]
    threshold: Option<f64>,
    /// What it is, for a person.
    message: String,
    #[schema(value_type = String, format = DateTime)]
    raised_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    /// A key's id, or a token's subject.
    #[schema(required)]
    acknowledged_by: Option<String>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    cleared_at: Option<Timestamp>,
    /// Messages of it, the oldest first.
    deliveries: Vec<Delivery>,
}

/// A message of an alert to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertDelivery)]
pub struct Delivery {
    /// What the receiver knows it by: the header `webhook-id`.
    message_id: String,
    /// Which webhook of the settings.
    webhook_id: String,
    /// `alert.raised`, `alert.worsened`, `alert.acknowledged` or `alert.cleared`.
    event: String,
    /// `waiting`, `delivered` or `given-up`.
    #[schema(schema_with = delivery_status_schema)]
    status: &'static str,
    /// So far.
    #[schema(minimum = 0)]
    attempts: i64,
    /// When it is tried next.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// Why the last attempt failed.
    #[schema(required)]
    last_error: Option<String>,
}

impl Alert {
    /// Shows an alert with its messages.
    pub fn of(row: Row, deliveries: Vec<DeliveryRow>) -> Self {
        Self {
            version_id: VersionId { model: row.model, number: row.version }.to_string(),
            alert_id: row.id,
            subject: row.subject,
            severity: row.severity.text(),
            status: row.status.text(),
            value: row.value,
            threshold: row.threshold,
            message: row.message,
            raised_at: row.raised_at,
            acknowledged_at: row.acknowledged_at,
            acknowledged_by: row.acknowledged_by,
            cleared_at: row.cleared_at,
            deliveries: deliveries.into_iter().map(Delivery::from).collect(),
        }
    }
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        let status = match (row.delivered_at, row.next_at) {
            (Some(_), _) => "delivered",
            (None, Some(_)) => "waiting",
            (None, None) => "given-up",
        };
        Self {
            message_id: row.message.id,
            webhook_id: row.message.webhook,
            event: row.message.event,
            status,
            attempts: row.attempts,
            next_attempt_at: row.next_at,
            delivered_at: row.delivered_at,
            last_error: row.last_error,
        }
    }
}

/// The schema of how bad an alert is.
pub fn severity_schema() -> Object {
    one_of(AlertSeverity::ALL)
}

/// The schema of where an alert stands.
pub fn status_schema() -> Object {
    one_of(AlertStatus::ALL)
}

fn delivery_status_schema() -> Object {
    one_of(&[("waiting", ()), ("delivered", ()), ("given-up", ())])
}
