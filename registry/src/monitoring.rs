//! How models are monitored, what is kept of the traffic of their versions, and what it came to. Bodies are the server's:
//! nothing here looks into them.

mod alerts;
mod analyses;
mod baselines;
mod buckets;
mod deliveries;
mod feedback;
mod performance;
mod predictions;
mod recordings;
mod served;
mod settings;
mod watch;

pub use alerts::{Alert, AlertFilter, AlertSeverity, AlertStatus, AlertStep, AlertSubject, RaisedAlerts};
pub use analyses::{AnalysisSummary, StoredAnalysis};
pub use baselines::{BASELINES_MAX, BaselineRow, BaselineSummary, NewBaseline};
pub use buckets::BucketRow;
pub use deliveries::{Delivery, DeliveryOutcome, NewDelivery};
pub use feedback::{Actual, LabelledOutcome, Recorded};
pub use performance::{ClassPair, Labelled, Mistake, NumberSums, Scored};
pub use predictions::EntityPrediction;
pub use recordings::RecordingRow;
pub use served::Served;
pub use settings::{MonitoringChange, MonitoringSettingsRow};
pub use watch::Watched;

use crate::database::Write;
use crate::error::Result;
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Locks a model to the end of the transaction; whether it is still there. What belongs to it is not written after it is gone.
async fn lock_model(write: &mut Write, model: &ModelId) -> Result<bool> {
    let found = sqlx::query("update models set revision = revision where id = $1 returning id")
        .bind(model.as_str())
        .fetch_optional(write.connection())
        .await?;
    Ok(found.is_some())
}

fn model_id(row: &AnyRow) -> Result<ModelId> {
    Ok(ModelId::from_text(row.try_get::<String, _>("model")?))
}

fn time(row: &AnyRow, column: &str) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

fn optional_time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}
