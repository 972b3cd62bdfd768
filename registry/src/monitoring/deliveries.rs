//! Messages of alerts: written with what they tell of, then delivered by whichever node comes first.

use super::{model_id, optional_time, time};
use crate::database::Write;
use crate::error::Result;
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A message to be delivered.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct NewDelivery {
    /// The same for every attempt.
    pub id: String,
    pub alert: String,
    /// The webhook's id in the model's settings.
    pub webhook: String,
    /// `alert.raised`, ….
    pub event: String,
    /// What is sent.
    pub body: String,
    pub created_at: Timestamp,
}

/// A message, and how far it has come.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Delivery {
    pub message: NewDelivery,
    pub model: ModelId,
    /// Attempts so far, one that is under way included.
    pub attempts: i64,
    /// When it is tried next; `None`: not again.
    pub next_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DeliveryOutcome {
    Delivered,
    Again { at: Timestamp, error: String },
    GivenUp { error: String },
}

macro_rules! delivery_columns {
    () => {
        "id, model, alert, webhook, event, body, attempts, next_at, created_at, delivered_at, last_error"
    };
}

impl Registry {
    /// Takes the message that is due first, until `lease`: when nobody says by then what came of it, it is due again.
    pub async fn claim_delivery(&self, now: Timestamp, lease: Timestamp) -> Result<Option<Delivery>> {
        loop {
            let due: i64 = sqlx::query_scalar("select count(*) from webhook_deliveries where next_at <= $1")
                .bind(now.as_millis())
                .fetch_one(&mut *self.database().read().await?)
                .await?;
            if due == 0 {
                return Ok(None);
            }
            let mut write = self.database().write().await?;
            let claimed = sqlx::query(concat!(
                "update webhook_deliveries set next_at = $2, attempts = attempts + 1 where next_at <= $1 and id = \
                 (select id from webhook_deliveries where next_at <= $1 order by next_at, id limit 1) returning ",
                delivery_columns!()
            ))
            .bind(now.as_millis())
            .bind(lease.as_millis())
            .fetch_optional(write.connection())
            .await?;
            if let Some(row) = claimed {
                write.commit_quietly().await?;
                return delivery(&row).map(Some);
            }
            // Another node has taken the one that was first while this one looked at it.
        }
    }

    /// Says what came of an attempt.
    pub async fn finish_delivery(&self, id: &str, at: Timestamp, outcome: &DeliveryOutcome) -> Result<()> {
        let (next_at, delivered_at, error) = match outcome {
            DeliveryOutcome::Delivered => (None, Some(at), None),
            DeliveryOutcome::Again { at, error } => (Some(*at), None, Some(error)),
            DeliveryOutcome::GivenUp { error } => (None, None, Some(error)),
        };
        let mut write = self.database().write().await?;
        sqlx::query("update webhook_deliveries set next_at = $2, delivered_at = $3, last_error = $4 where id = $1")
            .bind(id)
            .bind(next_at.map(Timestamp::as_millis))
            .bind(delivered_at.map(Timestamp::as_millis))
            .bind(error.map(|error| error.replace('\0', "\u{fffd}")))
            .execute(write.connection())
            .await?;
        write.commit_quietly().await
    }

    /// The messages of an alert, the oldest first.
    pub async fn deliveries(&self, alert: &str) -> Result<Vec<Delivery>> {
        let rows = sqlx::query(concat!(
            "select ",
            delivery_columns!(),
            " from webhook_deliveries where alert = $1 order by created_at, id"
        ))
        .bind(alert)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(delivery).collect()
    }
}

/// Writes a message, due at once.
pub(super) async fn insert_delivery(write: &mut Write, model: &ModelId, new: &NewDelivery) -> Result<()> {
    sqlx::query(
        "insert into webhook_deliveries (id, model, alert, webhook, event, body, attempts, next_at, created_at) \
         values ($1, $2, $3, $4, $5, $6, 0, $7, $7)",
    )
    .bind(&new.id)
    .bind(model.as_str())
    .bind(&new.alert)
    .bind(&new.webhook)
    .bind(&new.event)
    .bind(&new.body)
    .bind(new.created_at.as_millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

fn delivery(row: &AnyRow) -> Result<Delivery> {
    Ok(Delivery {
        message: NewDelivery {
            id: row.try_get("id")?,
            alert: row.try_get("alert")?,
            webhook: row.try_get("webhook")?,
            event: row.try_get("event")?,
            body: row.try_get("body")?,
            created_at: time(row, "created_at")?,
        },
        model: model_id(row)?,
        attempts: row.try_get("attempts")?,
        next_at: optional_time(row, "next_at")?,
        delivered_at: optional_time(row, "delivered_at")?,
        last_error: row.try_get("last_error")?,
    })
}
