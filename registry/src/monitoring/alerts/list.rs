//! Lists of alerts.

use super::{Alert, AlertSeverity, AlertStatus, alert, alert_columns, severity};
use crate::actor::{Page, Window};
use crate::error::Result;
use crate::monitoring::{model_id, time};
use crate::registry::Registry;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;

/// Which alerts; newest first.
#[derive(Debug, Clone)]
pub struct AlertFilter {
    /// Where they stand.
    pub status: Option<AlertStatus>,
    /// How bad they have been.
    pub severity: Option<AlertSeverity>,
    /// Raised not before.
    pub from: Option<Timestamp>,
    /// Raised not after.
    pub to: Option<Timestamp>,
    /// The page.
    pub window: Window,
}

/// How many alerts of a version are raised.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RaisedAlerts {
    pub model: ModelId,
    /// The model's name now.
    pub name: String,
    pub version: i64,
    pub severity: AlertSeverity,
    pub count: i64,
}

/// The condition for a filter.
macro_rules! matching {
    () => {
        " from alerts where model = $1 and ($2 is null or status = $2) and ($3 is null or severity = $3) \
         and raised_at >= $4 and raised_at <= $5"
    };
}

impl Registry {
    /// A page of a model's alerts.
    pub async fn alerts(&self, model: &ModelId, filter: &AlertFilter) -> Result<Page<Alert>> {
        let mut connection = self.database().read().await?;
        let (status, severity) = (filter.status.map(AlertStatus::text), filter.severity.map(AlertSeverity::text));
        let from = filter.from.map_or(i64::MIN, Timestamp::as_millis);
        let to = filter.to.map_or(i64::MAX, Timestamp::as_millis);
        let total = sqlx::query_scalar(concat!("select count(*)", matching!()))
            .bind(model.as_str())
            .bind(status)
            .bind(severity)
            .bind(from)
            .bind(to)
            .fetch_one(&mut *connection)
            .await?;
        let rows = sqlx::query(concat!(
            "select ",
            alert_columns!(),
            matching!(),
            " order by raised_at desc, id desc limit $6 offset $7"
        ))
        .bind(model.as_str())
        .bind(status)
        .bind(severity)
        .bind(from)
        .bind(to)
        .bind(filter.window.limit)
        .bind(filter.window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total, items: rows.iter().map(alert).collect::<Result<_>>()? })
    }

    /// How many alerts are raised, seen or not, over all models.
    pub async fn raised_alerts(&self) -> Result<Vec<RaisedAlerts>> {
        let rows = sqlx::query(
            "select a.model, m.name, a.version, a.severity, count(*) as count from alerts a join models m on m.id = a.model \
             where a.status in ('raised', 'acknowledged') group by a.model, m.name, a.version, a.severity",
        )
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(RaisedAlerts {
                    model: model_id(row)?,
                    name: row.try_get("name")?,
                    version: row.try_get("version")?,
                    severity: severity(row)?,
                    count: row.try_get("count")?,
                })
            })
            .collect()
    }

    /// When alerts of a model were raised between two moments: at most `limit`, the newest of them.
    pub async fn alert_times(
        &self,
        model: &ModelId,
        (from, to): (Timestamp, Timestamp),
        limit: i64,
    ) -> Result<Vec<(i64, Timestamp)>> {
        let rows = sqlx::query(
            "select version, raised_at from alerts where model = $1 and raised_at >= $2 and raised_at < $3 \
             order by raised_at desc limit $4",
        )
        .bind(model.as_str())
        .bind(from.as_millis())
        .bind(to.as_millis())
        .bind(limit)
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("version")?, time(row, "raised_at")?))).collect()
    }
}
