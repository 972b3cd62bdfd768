//! Predictions that name whom they are about, on their way into the database: a bounded buffer that answers never wait for.

use crate::telemetry::metrics::Metrics;
use servoir_codec::v1::{Entities, IssuedIds, Predictions};
use servoir_registry::{EntityPrediction, Registry, RegistryError};
use servoir_runtime::Identity;
use servoir_types::Kind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What may wait to be written, in bytes: about 150,000 predictions.
const WAITING_BYTES_MAX: usize = 32 << 20;
/// What a prediction takes beside its entity's name, in bytes.
const PREDICTION_BYTES: usize = 200;
/// So many waiting predictions are written without waiting longer.
const WRITE_AT_ROWS: usize = 5000;
/// Predictions that one transaction writes.
const ROWS_PER_WRITE: usize = 5000;
/// How long predictions wait for others.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// The buffer. It drops and counts what it has no room for.
pub struct EntityLog {
    waiting: Mutex<Waiting>,
    many: Notify,
    /// Held while what waited is written, so that a flush is over when everything before it is.
    writing: tokio::sync::Mutex<()>,
    registry: Registry,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Waiting {
    rows: Vec<EntityPrediction>,
    bytes: usize,
}

impl EntityLog {
    /// With nothing in it.
    pub fn new(registry: Registry, metrics: Arc<Metrics>) -> Self {
        let (waiting, writing) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { waiting, many: Notify::new(), writing, registry, metrics }
    }

    /// Notes the predictions of an answer.
    pub fn note(&self, identity: &Identity, ids: &IssuedIds, predictions: &Predictions<'_>, entities: &Entities<'_>) {
        let of_row = |(row, entity): (usize, &str)| EntityPrediction {
            model: identity.model.clone(),
            entity: entity.to_owned(),
            prediction: ids.text(row, predictions.outcome(row)),
            version: i64::try_from(identity.version).unwrap_or_default(),
            predicted_at: ids.at(),
        };
        // Entities without a prediction of their own are not kept: all rows are one prediction together.
        let named = entities.iter().enumerate().take(predictions.rows()).filter(|(_, entity)| !entity.contains('\0'));
        let rows: Vec<EntityPrediction> = named.map(of_row).collect();
        let bytes = rows.iter().map(size_bytes).sum::<usize>();
        let mut waiting = self.lock();
        if waiting.bytes.saturating_add(bytes) > WAITING_BYTES_MAX {
            drop(waiting);
            self.metrics.predictions_lost(rows.len());
            return;
        }
        waiting.bytes += bytes;
        waiting.rows.extend(rows);
        if waiting.rows.len() >= WRITE_AT_ROWS {
            self.many.notify_one();
        }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When the database is away: what was not written waits again. What it refuses is dropped and counted.
    pub async fn flush(&self) -> Result<(), RegistryError> {
        let _turn = self.writing.lock().await;
        let mut rows = std::mem::take(&mut self.lock().rows);
        while !rows.is_empty() {
            let now = rows.len().min(ROWS_PER_WRITE);
            match self.registry.add_predictions(&rows[..now]).await {
                Ok(()) => {}
                Err(error) if error.kind() == Kind::Unavailable => {
                    let mut waiting = self.lock();
                    rows.append(&mut waiting.rows);
                    waiting.rows = rows;
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%error, rows = now, "predictions of entities could not be kept");
                    self.metrics.predictions_lost(now);
                }
            }
            let written = rows.drain(..now).map(|row| size_bytes(&row)).sum::<usize>();
            let mut waiting = self.lock();
            waiting.bytes = waiting.bytes.saturating_sub(written);
        }
        Ok(())
    }

    /// Writes what waits, every second and when there is much, until `stop`.
    pub async fn keep_written(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let _enough = tokio::time::timeout(WRITE_EVERY, stop.run_until_cancelled(self.many.notified())).await;
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "predictions of entities could not be written; they are kept");
                stop.run_until_cancelled(tokio::time::sleep(WRITE_EVERY)).await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size_bytes(row: &EntityPrediction) -> usize {
    PREDICTION_BYTES + row.entity.len()
}
