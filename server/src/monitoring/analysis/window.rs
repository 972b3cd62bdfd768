//! A baseline as it is kept, and a window's counts in its bins.

use crate::monitoring::buckets::Window;
use servoir_monitor::{Baseline, Meter, VersionCounts};
use servoir_registry::{BaselineRow, BucketRow};

/// The baseline of a row.
///
/// # Errors
/// What cannot be read of it.
pub fn kept_baseline(row: &BaselineRow) -> Result<Baseline, String> {
    Baseline::from_json(row.body.as_bytes()).map_err(|error| error.to_string())
}

/// The sum of buckets that were counted in a baseline's bins.
///
/// # Errors
/// What of what is stored cannot be read, or is of other columns.
pub fn counts_of(baseline: &Baseline, buckets: &[BucketRow]) -> Result<VersionCounts, String> {
    let window = Window::sum(buckets).map_err(|error| error.internal.unwrap_or(error.detail))?;
    let empty = Meter::new(baseline).counts();
    let columns = |counts: &VersionCounts| (counts.features.len(), counts.outputs.len());
    match window.counts {
        Some(counts) if columns(&counts) != columns(&empty) => {
            Err("the counts are of other columns than the baseline's".to_owned())
        }
        counts => Ok(counts.unwrap_or(empty)),
    }
}
