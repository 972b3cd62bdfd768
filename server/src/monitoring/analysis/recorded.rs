//! Recorded values by column, for conventions that compute from rows.

use crate::error::ApiError;
use crate::monitoring::recording::sample;
use serde_json::Value;
use servoir_monitor::Measure;
use servoir_monitor::analysis::Recorded;
use servoir_monitor::recording::{RecordedColumn, RecordedValues};
use servoir_monitor::statistics::samples::Sample;
use servoir_registry::{BaselineSummary, Registry};
use servoir_types::{ModelId, Timestamp};
use std::collections::BTreeMap;

/// The most rows of a sample.
const ROWS_MAX: usize = 10_000;

/// What was recorded of a version between two moments, by column; of the baseline, too, when it was made of such rows and they
/// are still kept. Columns of texts are left out: their counts say all of it.
///
/// # Errors
/// When the registry is away, or a recording is damaged.
pub async fn recorded(
    registry: &Registry,
    version: (&ModelId, i64),
    baseline: &BaselineSummary,
    within: (Timestamp, Timestamp),
) -> Result<BTreeMap<String, Recorded>, ApiError> {
    let Some(current) = sample(registry, version, within, ROWS_MAX).await? else { return Ok(BTreeMap::new()) };
    let reference = match origin(baseline) {
        Some(span) => sample(registry, version, span, ROWS_MAX).await?,
        None => None,
    };
    let mut references =
        reference.map(|rows| by_name(rows.features.into_iter().chain(rows.outputs))).unwrap_or_default();
    let columns = by_name(current.features.into_iter().chain(current.outputs)).into_iter();
    Ok(columns
        .map(|(name, current)| (name.clone(), Recorded { reference: references.remove(&name), current }))
        .collect())
}

/// From when to when the rows of a baseline were recorded.
fn origin(baseline: &BaselineSummary) -> Option<(Timestamp, Timestamp)> {
    let origin = baseline.origin.as_ref()?;
    let time = |name: &str| origin.get(name).and_then(Value::as_str).and_then(Timestamp::parse);
    Some((time("from")?, time("to")?))
}

fn by_name(columns: impl Iterator<Item = RecordedColumn>) -> BTreeMap<String, Sample> {
    let numbers = |column: RecordedColumn| match column.values {
        RecordedValues::Numbers(numbers) if column.measure == Measure::Value => {
            Some((column.name, Sample::new(&numbers)))
        }
        _ => None,
    };
    columns.filter_map(numbers).collect()
}
