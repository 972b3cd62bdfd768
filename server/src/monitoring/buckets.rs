//! Buckets as they are stored, and windows, which are sums of them.

use super::tap::Subject;
use crate::error::ApiError;
use crate::telemetry::metrics::Traffic;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use servoir_monitor::VersionCounts;
use servoir_registry::BucketRow;
use servoir_types::Timestamp;

/// What was counted of a version in five minutes, or in several of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// Requests, failures, rows and latencies, of tests too.
    pub traffic: Traffic,
    /// Counts of columns in a baseline's bins; `None` without a baseline, or when nothing was counted.
    pub counts: Option<VersionCounts>,
}

/// The sum of what buckets say of requests and latencies.
///
/// # Errors
/// When a bucket is damaged.
pub fn traffic(services: &[String]) -> Result<Traffic, ApiError> {
    let mut sum = Traffic::default();
    for service in services {
        let damaged = |error| ApiError::internal(format!("a bucket's requests: {error}"));
        sum.add(&serde_json::from_str(service).map_err(damaged)?);
    }
    Ok(sum)
}

impl Window {
    /// The sum of buckets, those of several nodes among them. Counts of columns are added up only of buckets in the bins of
    /// one baseline, the first one's.
    ///
    /// # Errors
    /// When a bucket is damaged.
    pub fn sum(rows: &[BucketRow]) -> Result<Self, ApiError> {
        let mut sum = Self::default();
        let baseline = rows.iter().map(|row| &row.baseline).find(|baseline| !baseline.is_empty());
        for row in rows {
            let damaged = |error: &dyn std::fmt::Display| {
                ApiError::internal(format!("the bucket {} of {} v{}: {error}", row.start, row.model, row.version))
            };
            sum.traffic.add(&serde_json::from_str(&row.service).map_err(|error| damaged(&error))?);
            // Requests of which none was counted leave no counts.
            if Some(&row.baseline) != baseline || row.counts.is_empty() {
                continue;
            }
            let bytes = STANDARD_NO_PAD.decode(&row.counts).map_err(|error| damaged(&error))?;
            let counts = VersionCounts::from_bytes(&bytes).map_err(|error| damaged(&error))?;
            match &mut sum.counts {
                Some(all) => all.merge(&counts),
                none => *none = Some(counts),
            }
        }
        Ok(sum)
    }

    /// How many rows were counted; without a baseline, how many were predicted.
    pub fn rows(&self) -> u64 {
        self.counts.as_ref().map_or(self.traffic.rows(), |counts| counts.rows)
    }

    /// As the bucket that begins at `start` is stored.
    pub fn to_row(&self, subject: &Subject, start: Timestamp, node: &str) -> BucketRow {
        BucketRow {
            model: subject.model.clone(),
            version: subject.version,
            baseline: subject.baseline.as_ref().map_or_else(String::new, ToString::to_string),
            start,
            node: node.to_owned(),
            counted_rows: i64::try_from(self.rows()).unwrap_or(i64::MAX),
            service: serde_json::to_string(&self.traffic).unwrap_or_default(),
            counts: self.counts.as_ref().map_or_else(String::new, |counts| STANDARD_NO_PAD.encode(counts.to_bytes())),
        }
    }
}
