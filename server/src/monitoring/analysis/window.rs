//! A window's counts beside the baseline that they were counted with.

use crate::monitoring::buckets::Window;
use servoir_monitor::{Baseline, Meter, VersionCounts};
use servoir_registry::{BaselineRow, BucketRow};

/// A window's counts and what they are compared with.
pub struct Compared {
    /// What is normal.
    pub baseline: Baseline,
    /// What came.
    pub counts: VersionCounts,
}

impl Compared {
    /// Of buckets that were counted in the baseline's bins.
    ///
    /// # Errors
    /// What of what is stored cannot be read.
    pub fn of(row: &BaselineRow, buckets: &[BucketRow]) -> Result<Self, String> {
        let baseline = Baseline::from_json(row.body.as_bytes()).map_err(|error| error.to_string())?;
        let window = Window::sum(buckets).map_err(|error| error.internal.unwrap_or(error.detail))?;
        let empty = Meter::new(&baseline).counts();
        let counts = window.counts.unwrap_or_else(|| empty.clone());
        let columns = |counts: &VersionCounts| (counts.features.len(), counts.outputs.len());
        if columns(&counts) != columns(&empty) {
            return Err("the counts are of other columns than the baseline's".to_owned());
        }
        Ok(Self { baseline, counts })
    }
}
