//! What the values of a dataset's columns are, in numbers, found in one pass over the file and in bounded memory.
//!
//! Per column: how many values there are and how many are missing, how many are distinct, the least and the greatest,
//! mean, deviation, quantiles, and the most frequent values. Distinct values are counted one by one as long as they take
//! little room (1 MiB); then sketches take over, and the profile says so in `exact`: HyperLogLog
//! for the number of distinct values (standard error 1.6 %), a t-digest for quantiles (rank error below 0.01), and the
//! frequent-items sketch for the most frequent values (only those that certainly are).
//! The same file makes the same profile.

mod column;
mod counts;
mod key;
mod moments;
mod sketches;

pub use column::{ColumnProfile, Quantiles, TopValue};

use crate::table::error::TableError;
use crate::table::inspect::Inspection;
use crate::table::scan::scan;
use column::Profiler;
use counts::Budget;
use std::path::Path;

/// Profiles every column of a file.
///
/// # Errors
/// The file is not what it was when it was inspected, or breaks a bound.
pub fn profile(path: &Path, inspection: &Inspection) -> Result<Vec<ColumnProfile>, TableError> {
    let budget = Budget::of(inspection.columns.len());
    let mut profilers: Vec<Profiler> =
        inspection.columns.iter().map(|column| Profiler::new(column.column_type, budget)).collect();
    let wanted: Vec<usize> = (0..profilers.len()).collect();
    let rows = scan(path, &inspection.format, &wanted, u64::MAX, &mut |column, cells| profilers[column].add(cells))?;
    if rows != inspection.rows {
        return Err(TableError::Refused("the file has changed while it was read".into()));
    }
    Ok(inspection.columns.iter().zip(profilers).map(|(column, profiler)| profiler.finish(&column.name)).collect())
}
