//! Labels: what turned out to be true, each beside the prediction that it belongs to.

use super::predictions::{ROWS_PER_STATEMENT, places};
use crate::actor::{Actor, storable};
use crate::audit::Deed;
use crate::database::{Double, Write};
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{ModelId, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::HashSet;

/// The parameters of a row, beside the model and the time of recording, which are the same for all.
const PARAMETERS: usize = 9;

/// A label beside its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Actual {
    /// The prediction's id.
    pub prediction: String,
    /// The version that answered.
    pub version: i64,
    /// When.
    pub predicted_at: Timestamp,
    /// What was predicted, and what was true.
    pub outcome: LabelledOutcome,
    /// When it turned out.
    pub actual_at: Timestamp,
}

/// What was predicted, and what was true.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each is what its variant's name says
pub enum LabelledOutcome {
    Class {
        predicted: String,
        /// Of two classes the probability of the second, of others that of the predicted one, if the model says one.
        score: Option<f64>,
        actual: String,
    },
    Number {
        predicted: f64,
        actual: f64,
    },
}

/// What became of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Predictions that had no label.
    pub recorded: usize,
    /// Predictions that had one.
    pub replaced: usize,
}

impl Registry {
    /// The numbers of a model's versions.
    pub async fn version_numbers(&self, model: &ModelId) -> Result<HashSet<i64>> {
        let numbers: Vec<i64> = sqlx::query_scalar("select version from versions where model = $1")
            .bind(model.as_str())
            .fetch_all(&mut *self.database().read().await?)
            .await?;
        Ok(numbers.into_iter().collect())
    }

    /// `model.actuals_recorded`: keeps labels, each of another prediction; one that a prediction has already is replaced.
    /// `rejected` is for the audit: how many of the same request were not taken.
    pub async fn record_actuals(
        &self,
        actor: &Actor,
        model: &ModelId,
        mut actuals: Vec<Actual>,
        rejected: usize,
    ) -> Result<Recorded> {
        for actual in &actuals {
            if let LabelledOutcome::Class { actual, .. } = &actual.outcome {
                storable("actual", actual)?;
            }
        }
        // Every transaction locks labels in this order, so that no two wait for one another.
        actuals.sort_unstable_by(|a, b| a.prediction.cmp(&b.prediction));
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let mut done = Recorded::default();
        for rows in actuals.chunks(ROWS_PER_STATEMENT) {
            let new = insert(&mut write, model, rows, now).await?;
            let known: Vec<&Actual> = rows.iter().filter(|row| !new.contains(&row.prediction)).collect();
            if !known.is_empty() {
                replace(&mut write, model, &known, now).await?;
            }
            done.recorded += new.len();
            done.replaced += known.len();
        }
        let after = json!({ "recorded": done.recorded, "replaced": done.replaced, "rejected": rejected });
        let deed = Deed { action: "model.actuals_recorded", target: model.as_str(), before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        write.commit_quietly().await?;
        Ok(done)
    }

    /// Takes away labels that were recorded before `labels_before`, and predictions of entities of before
    /// `predictions_before`; how many rows that were.
    pub async fn sweep_feedback(&self, labels_before: Timestamp, predictions_before: Timestamp) -> Result<u64> {
        let mut swept = 0;
        for (text, before) in [
            (
                "delete from actuals where (model, prediction) in \
                 (select model, prediction from actuals where recorded_at < $1 limit 1000)",
                labels_before,
            ),
            (
                "delete from predictions where (model, entity, predicted_at, prediction) in \
                 (select model, entity, predicted_at, prediction from predictions where predicted_at < $1 limit 1000)",
                predictions_before,
            ),
        ] {
            // A thousand at a time, so that none holds the database for long.
            loop {
                let mut write = self.database().write().await?;
                let gone = sqlx::query(text).bind(before.as_millis()).execute(write.connection()).await?;
                write.commit_quietly().await?;
                swept += gone.rows_affected();
                if gone.rows_affected() == 0 {
                    break;
                }
            }
        }
        Ok(swept)
    }
}

/// Inserts the labels of predictions that have none, and says of which.
async fn insert(write: &mut Write, model: &ModelId, rows: &[Actual], now: Timestamp) -> Result<HashSet<String>> {
    let rows: Vec<&Actual> = rows.iter().collect();
    let mut ids = HashSet::with_capacity(rows.len());
    let inserted = put(write, model, &rows, (now, "do nothing returning prediction")).await?;
    for row in inserted {
        ids.insert(row.try_get("prediction")?);
    }
    Ok(ids)
}

async fn replace(write: &mut Write, model: &ModelId, rows: &[&Actual], now: Timestamp) -> Result<()> {
    let replacing = "(model, prediction) do update set actual = excluded.actual, actual_number = excluded.actual_number, \
         predicted = excluded.predicted, actual_at = excluded.actual_at, recorded_at = excluded.recorded_at";
    put(write, model, rows, (now, replacing)).await.map(drop)
}

async fn put(
    write: &mut Write,
    model: &ModelId,
    rows: &[&Actual],
    (now, on_conflict): (Timestamp, &str),
) -> Result<Vec<sqlx::any::AnyRow>> {
    let places = places(rows.len(), PARAMETERS, 2).replace('(', "($1, $2, ");
    let text = format!(
        "insert into actuals (model, recorded_at, prediction, version, predicted_at, predicted, predicted_number, score, \
         actual, actual_number, actual_at) values {places} on conflict {on_conflict}"
    );
    // Put together from numbers and this file's own words; every value is a parameter.
    let mut query = sqlx::query(AssertSqlSafe(text)).bind(model.as_str()).bind(now.as_millis());
    for row in rows {
        let (predicted, score, actual) = match &row.outcome {
            LabelledOutcome::Class { predicted, score, actual } => {
                (Some(predicted.as_str()), *score, Some(actual.as_str()))
            }
            LabelledOutcome::Number { .. } => (None, None, None),
        };
        let (predicted_number, actual_number) = match &row.outcome {
            LabelledOutcome::Class { .. } => (None, None),
            LabelledOutcome::Number { predicted, actual } => (Some(*predicted), Some(*actual)),
        };
        query = query
            .bind(row.prediction.as_str())
            .bind(row.version)
            .bind(row.predicted_at.as_millis())
            .bind(predicted)
            .bind(predicted_number.map(Double))
            .bind(score.map(Double))
            .bind(actual)
            .bind(actual_number.map(Double))
            .bind(row.actual_at.as_millis());
    }
    query.fetch_all(write.connection()).await.map_err(|error| {
        let is_gone = error.as_database_error().is_some_and(|cause| cause.is_foreign_key_violation());
        // A version was deleted since the labels were read.
        if is_gone {
            RegistryError::NotFound { what: "version", id: "of a labelled prediction".into() }
        } else {
            error.into()
        }
    })
}
