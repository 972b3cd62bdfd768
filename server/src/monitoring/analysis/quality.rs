//! Data quality, judged: when values that cannot be used, or were never seen before, are too many to be chance.

use super::words::status_schema;
use serde::{Deserialize, Serialize};
use servoir_monitor::analysis::Status;
use servoir_monitor::{Baseline, Column, ColumnQuality, Profile, Quality};
use utoipa::ToSchema;

/// The share of unusable or unseen values, beyond those to be expected, from which on a feature warns.
pub const WARNING_SHARE: f64 = 0.01;
/// The share from which on it alerts.
pub const ALERT_SHARE: f64 = 0.05;
/// So few of them say nothing, whatever their share.
const VALUES_MIN: f64 = 10.0;
/// How many standard deviations more than expected are still chance: one window in 30,000 has more.
const DEVIATIONS: f64 = 4.0;

/// What of a window's values could not be used, or was never seen before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataQuality {
    /// The worst of the features, and of the fields that were refused.
    #[schema(schema_with = status_schema)]
    pub status: Status,
    /// The largest share of a feature's values, or of the rows' fields, beyond those to be expected.
    #[schema(minimum = 0, maximum = 1)]
    pub worst_share: f64,
    /// Which feature; `null` when it is refused fields, or nothing.
    #[schema(required)]
    pub worst_feature: Option<String>,
    /// Values that were refused for their type.
    #[schema(minimum = 0)]
    pub wrong_type: u64,
    /// Fields that were not there.
    #[schema(minimum = 0)]
    pub missing_fields: u64,
    /// Fields that the model does not know.
    #[schema(minimum = 0)]
    pub extra_fields: u64,
    /// In the baseline's order.
    pub features: Vec<FeatureQuality>,
}

/// The data quality of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeatureQuality {
    /// Its name.
    pub feature_name: String,
    /// Values that were there.
    #[schema(minimum = 0)]
    pub count: u64,
    /// Values that were missing.
    #[schema(minimum = 0)]
    pub nulls: u64,
    /// Values that were infinite.
    #[schema(minimum = 0)]
    pub infinite: u64,
    /// Values below the least or above the greatest of the baseline.
    #[schema(minimum = 0)]
    pub out_of_range: u64,
    /// Categories that the baseline has never seen.
    #[schema(minimum = 0)]
    pub unseen: u64,
}

impl DataQuality {
    /// Of a window. One of fewer than `rows_min` rows says nothing.
    pub fn of(baseline: &Baseline, quality: Quality, rows_min: u64) -> Self {
        let refused = quality.wrong_type + quality.missing_fields;
        let fields = (quality.rows + refused) as f64;
        let mut worst = (beyond(refused as f64, 0.0, fields), None);
        for (column, found) in baseline.features.iter().zip(&quality.features) {
            let share = share(column, found);
            if share > worst.0 {
                worst = (share, Some(found.feature_name.clone()));
            }
        }
        let (worst_share, worst_feature) = worst;
        let status = match worst_share {
            _ if quality.rows < rows_min && worst_share < ALERT_SHARE => Status::NoData,
            _ if worst_share >= ALERT_SHARE => Status::Alert,
            _ if worst_share >= WARNING_SHARE => Status::Warning,
            _ => Status::Ok,
        };
        Self {
            status,
            worst_share,
            worst_feature,
            wrong_type: quality.wrong_type,
            missing_fields: quality.missing_fields,
            extra_fields: quality.extra_fields,
            features: quality.features.into_iter().map(FeatureQuality::from).collect(),
        }
    }
}

impl From<ColumnQuality> for FeatureQuality {
    fn from(quality: ColumnQuality) -> Self {
        Self {
            feature_name: quality.feature_name,
            count: quality.count,
            nulls: quality.nulls,
            infinite: quality.infinite,
            out_of_range: quality.out_of_range,
            unseen: quality.unseen,
        }
    }
}

/// The share of a feature's values that are unusable or unseen, beyond those to be expected.
fn share(column: &Column, found: &ColumnQuality) -> f64 {
    let values = (found.count + found.nulls) as f64;
    let (count, nulls) = match &column.profile {
        Profile::Number(profile) => (profile.count, profile.nulls),
        Profile::Category(profile) => (profile.count, profile.nulls),
    };
    let missing = nulls as f64 / ((count + nulls) as f64).max(1.0);
    // Of n values of the baseline, a new one is less or greater than all of them with probability 2 / (n + 1).
    let outside = 2.0 / (count as f64 + 1.0);
    let strange = (found.out_of_range + found.unseen + found.infinite) as f64;
    beyond(found.nulls as f64, missing, values).max(beyond(strange, outside, values))
}

/// The share of `of` that is beyond what is to be expected of a share of `expected`; 0 for so few that they say nothing.
fn beyond(bad: f64, expected: f64, of: f64) -> f64 {
    let chance = of * expected + DEVIATIONS * (of * expected * (1.0 - expected).max(0.0)).sqrt();
    if bad < VALUES_MIN || bad <= chance { 0.0 } else { ((bad - chance) / of).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_expected_is_left_out() {
        let cases = [
            (0.0, 0.0, 0.0, 0.0),
            (9.0, 0.0, 10.0, 0.0),
            (10.0, 0.0, 100.0, 0.1),
            (100.0, 0.0, 100.0, 1.0),
            (500.0, 0.5, 1000.0, 0.0),
            (560.0, 0.5, 1000.0, 0.0),
            (1000.0, 0.5, 1000.0, 0.436_754_446_796_632_4),
            (10.0, 1.0, 10.0, 0.0),
        ];
        for (bad, expected, of, share) in cases {
            let got = beyond(bad, expected, of);
            assert!((got - share).abs() < 1e-12, "{bad} of {of}, expected {expected}: {got}");
        }
    }
}
