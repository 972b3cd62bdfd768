//! Raising, acknowledging and clearing alerts: state, row and messages change together.

use super::{Alert, AlertStatus, alert, alert_columns};
use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::{Double, Write};
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::monitoring::deliveries::{NewDelivery, insert_delivery};
use crate::monitoring::lock_model;
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use std::collections::BTreeMap;

/// What an alert is, or may come to be, about.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSubject {
    /// `drift`, `feature:NAME`, ….
    pub subject: String,
    /// The state between analyses, as it was left.
    pub state: String,
    /// The alert that is raised.
    pub alert: Option<Alert>,
}

/// A change of a subject.
#[derive(Debug, Clone)]
pub struct AlertStep {
    /// Which.
    pub subject: String,
    /// The state from now on; `None`: as that of a subject of which nothing is known.
    pub state: Option<String>,
    /// The alert as it is now, when something has happened to it.
    pub alert: Option<Alert>,
    /// Who is told of it.
    pub deliveries: Vec<NewDelivery>,
}

impl Registry {
    /// Changes the alerts of a version: `decide` is shown every subject with a state or a raised alert, and says what changes.
    /// Of a model that is gone, nothing is.
    pub async fn step_alerts(
        &self,
        model: &ModelId,
        version: i64,
        decide: impl FnOnce(&[AlertSubject]) -> Vec<AlertStep>,
    ) -> Result<Vec<AlertStep>> {
        let mut write = self.database().write().await?;
        if !lock_model(&mut write, model).await? || !is_there(&mut write, model, version).await? {
            return Ok(Vec::new());
        }
        let steps = decide(&subjects(&mut write, model, version).await?);
        for step in &steps {
            apply(&mut write, model, version, step).await?;
        }
        write.commit_quietly().await?;
        Ok(steps)
    }

    /// `model.alert_acknowledged`: somebody has seen an alert. `decide` is shown its version and subject; `None`: it was seen before, or is
    /// over, and nothing changes.
    pub async fn acknowledge_alert(
        &self,
        actor: &Actor,
        model: &ModelId,
        id: &str,
        decide: impl FnOnce(i64, &AlertSubject, Timestamp) -> Option<AlertStep>,
    ) -> Result<Alert> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let row = sqlx::query(concat!("select ", alert_columns!(), " from alerts where model = $1 and id = $2"))
            .bind(model.as_str())
            .bind(id)
            .fetch_optional(write.connection())
            .await?;
        let row = row.ok_or_else(|| RegistryError::NotFound { what: "alert", id: id.to_owned() })?;
        let found = alert(&row)?;
        if found.status == AlertStatus::Cleared {
            return Err(RegistryError::AlertCleared(id.to_owned()));
        }
        let subjects = subjects(&mut write, model, found.version).await?;
        let subject = subjects.iter().find(|one| one.subject == found.subject);
        let Some(step) = subject.and_then(|subject| decide(found.version, subject, now)) else { return Ok(found) };
        apply(&mut write, model, found.version, &step).await?;
        let after = json!({ "alert": id, "version": found.version, "subject": found.subject });
        let deed =
            Deed { action: "model.alert_acknowledged", target: model.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(step.alert.unwrap_or(found))
    }
}

async fn is_there(write: &mut Write, model: &ModelId, version: i64) -> Result<bool> {
    let found = sqlx::query("select version from versions where model = $1 and version = $2")
        .bind(model.as_str())
        .bind(version)
        .fetch_optional(write.connection())
        .await?;
    Ok(found.is_some())
}

async fn subjects(write: &mut Write, model: &ModelId, version: i64) -> Result<Vec<AlertSubject>> {
    let states = sqlx::query("select subject, body from alert_states where model = $1 and version = $2")
        .bind(model.as_str())
        .bind(version)
        .fetch_all(write.connection())
        .await?;
    let raised = sqlx::query(concat!(
        "select ",
        alert_columns!(),
        " from alerts where model = $1 and version = $2 and status <> 'cleared'"
    ))
    .bind(model.as_str())
    .bind(version)
    .fetch_all(write.connection())
    .await?;
    let mut subjects = BTreeMap::<String, AlertSubject>::new();
    for row in &states {
        let (subject, state): (String, String) = (row.try_get("subject")?, row.try_get("body")?);
        subjects.insert(subject.clone(), AlertSubject { subject, state, alert: None });
    }
    for row in &raised {
        let alert = alert(row)?;
        let subject = alert.subject.clone();
        let empty = AlertSubject { subject: subject.clone(), state: "{}".to_owned(), alert: None };
        subjects.entry(subject).or_insert(empty).alert = Some(alert);
    }
    Ok(subjects.into_values().collect())
}

async fn apply(write: &mut Write, model: &ModelId, version: i64, step: &AlertStep) -> Result<()> {
    match &step.state {
        Some(state) => sqlx::query(
            "insert into alert_states (model, version, subject, body) values ($1, $2, $3, $4) \
             on conflict (model, version, subject) do update set body = excluded.body",
        )
        .bind(model.as_str())
        .bind(version)
        .bind(&step.subject)
        .bind(state),
        None => sqlx::query("delete from alert_states where model = $1 and version = $2 and subject = $3")
            .bind(model.as_str())
            .bind(version)
            .bind(&step.subject),
    }
    .execute(write.connection())
    .await?;
    if let Some(alert) = &step.alert {
        put(write, alert).await?;
    }
    for delivery in &step.deliveries {
        insert_delivery(write, model, delivery).await?;
    }
    Ok(())
}

async fn put(write: &mut Write, alert: &Alert) -> Result<()> {
    sqlx::query(
        "insert into alerts (id, model, version, subject, severity, status, value, threshold, message, raised_at, \
         acknowledged_at, acknowledged_by, cleared_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         on conflict (id) do update set severity = excluded.severity, status = excluded.status, value = excluded.value, \
         threshold = excluded.threshold, message = excluded.message, acknowledged_at = excluded.acknowledged_at, \
         acknowledged_by = excluded.acknowledged_by, cleared_at = excluded.cleared_at",
    )
    .bind(&alert.id)
    .bind(alert.model.as_str())
    .bind(alert.version)
    .bind(&alert.subject)
    .bind(alert.severity.text())
    .bind(alert.status.text())
    .bind(alert.value.map(Double))
    .bind(alert.threshold.map(Double))
    .bind(alert.message.replace('\0', "\u{fffd}"))
    .bind(alert.raised_at.as_millis())
    .bind(alert.acknowledged_at.map(Timestamp::as_millis))
    .bind(&alert.acknowledged_by)
    .bind(alert.cleared_at.map(Timestamp::as_millis))
    .execute(write.connection())
    .await?;
    Ok(())
}
