//! Data quality: what of a window's values could not be used, or was never seen before.

use crate::baseline::{Baseline, Column, Profile};
use crate::counts::{ColumnCounts, VersionCounts};
use serde::Serialize;

/// The data quality of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// The rows that were answered.
    pub rows: u64,
    /// Values that were refused for their type.
    pub wrong_type: u64,
    /// Fields that were not there.
    pub missing_fields: u64,
    /// Fields that the model does not know.
    pub extra_fields: u64,
    /// The features, in the baseline's order.
    pub features: Vec<ColumnQuality>,
}

/// The data quality of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnQuality {
    /// Its name.
    pub feature_name: String,
    /// How many values, without those that are missing.
    pub count: u64,
    /// How many are missing.
    pub nulls: u64,
    /// How many are infinite.
    pub infinite: u64,
    /// How many are below the least or above the greatest value of the baseline.
    pub out_of_range: u64,
    /// How many are categories that the baseline has never seen. Of a baseline with more values than it names, none can be told.
    pub unseen: u64,
}

impl Quality {
    /// Of a window.
    pub fn of(baseline: &Baseline, counts: &VersionCounts) -> Self {
        let features = baseline.features.iter().zip(&counts.features);
        Self {
            rows: counts.rows,
            wrong_type: counts.faults.wrong_type,
            missing_fields: counts.faults.missing,
            extra_fields: counts.faults.extra,
            features: features.map(|(column, counts)| ColumnQuality::of(column, counts)).collect(),
        }
    }
}

impl ColumnQuality {
    fn of(column: &Column, counts: &ColumnCounts) -> Self {
        let clean = Self {
            feature_name: column.name.clone(),
            count: counts.count(),
            nulls: 0,
            infinite: 0,
            out_of_range: 0,
            unseen: 0,
        };
        match (&column.profile, counts) {
            (Profile::Number(profile), ColumnCounts::Number(counts)) => {
                let bins = counts.bins(&profile.grid);
                // The grid's first edge is the least value, its last is just above the greatest.
                let outside = if profile.count > 0 { bins[0].count + bins[bins.len() - 1].count } else { 0 };
                Self { nulls: counts.nulls(), infinite: counts.infinite(), out_of_range: outside, ..clean }
            }
            (Profile::Category(profile), ColumnCounts::Category(counts)) => {
                let unseen = if profile.other == 0 { counts.other() } else { 0 };
                Self { nulls: counts.nulls(), unseen, ..clean }
            }
            _ => clean,
        }
    }
}
