//! An organization's models at a glance.

use super::list::visible_to;
use super::status::studio_status;
use super::{ModelType, StudioStatus};
use crate::audit::{AuditEntry, entry_columns, entry_of};
use crate::error::Result;
use crate::registry::Registry;
use servoir_types::Timestamp;
use sqlx::Row as _;
use std::collections::BTreeMap;

/// What a dashboard shows.
#[derive(Debug, Clone)]
pub struct DashboardFilter {
    /// Runs and events since then.
    pub since: Timestamp,
    /// Models of one type alone.
    pub model_type: Option<ModelType>,
    /// Without the private models that this subject may not see; `None`: all.
    pub visible_to: Option<String>,
    /// At most so many events.
    pub events_max: i64,
}

/// An organization's models at a glance.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Dashboard {
    pub by_status: BTreeMap<StudioStatus, i64>,
    pub by_type: BTreeMap<ModelType, i64>,
    pub deployed: i64,
    /// By their status.
    pub runs: BTreeMap<String, i64>,
    /// What happened to the models, newest first.
    pub events: Vec<AuditEntry>,
}

/// The models that are counted: the parameters $1 to $3.
macro_rules! counted {
    () => {
        concat!(
            "models join studio_models on studio_models.model = models.id \
             where organization = $1 and ($2 is null or model_type = $2) and ",
            visible_to!("$3")
        )
    };
}

impl Registry {
    /// Counts an organization's models and what happened to them.
    pub async fn dashboard(&self, organization: &str, filter: &DashboardFilter) -> Result<Dashboard> {
        let mut connection = self.database().read().await?;
        let model_type = filter.model_type.map(ModelType::text);
        let rows = sqlx::query(concat!(
            "select studio_status, model_type, status, count(*) as models from (select ",
            studio_status!(),
            " as studio_status, model_type, status from ",
            counted!(),
            ") as counted group by studio_status, model_type, status"
        ))
        .bind(organization)
        .bind(model_type)
        .bind(&filter.visible_to)
        .fetch_all(&mut *connection)
        .await?;
        let (mut by_status, mut by_type, mut deployed) = (BTreeMap::new(), BTreeMap::new(), 0);
        for row in &rows {
            let models: i64 = row.try_get("models")?;
            *by_status.entry(StudioStatus::from_text(&row.try_get::<String, _>("studio_status")?)?).or_default() +=
                models;
            *by_type.entry(ModelType::from_text(&row.try_get::<String, _>("model_type")?)?).or_default() += models;
            deployed += if row.try_get::<String, _>("status")? == "deployed" { models } else { 0 };
        }
        let rows = sqlx::query(concat!(
            "select runs.status as status, count(*) as runs from runs where runs.created_at >= $4 and runs.model in \
             (select models.id from ",
            counted!(),
            ") group by runs.status"
        ))
        .bind(organization)
        .bind(model_type)
        .bind(&filter.visible_to)
        .bind(filter.since.as_millis())
        .fetch_all(&mut *connection)
        .await?;
        let runs = rows.iter().map(|row| Ok((row.try_get("status")?, row.try_get("runs")?)));
        let runs = runs.collect::<Result<_>>()?;
        let rows = sqlx::query(concat!(
            "select ",
            entry_columns!(),
            " from audit where organization = $1 and at >= $4 and target in (select models.id from ",
            counted!(),
            ") order by sequence desc limit $5"
        ))
        .bind(organization)
        .bind(model_type)
        .bind(&filter.visible_to)
        .bind(filter.since.as_millis())
        .bind(filter.events_max)
        .fetch_all(&mut *connection)
        .await?;
        let events = rows.iter().map(entry_of).collect::<Result<_>>()?;
        Ok(Dashboard { by_status, by_type, deployed, runs, events })
    }
}
