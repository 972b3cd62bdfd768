//! What is computed, and from where on it matters.

use crate::convention::{Algorithm, Convention, Rule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an analysis computes and how it judges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Whose way of computing.
    pub convention: Convention,
    /// What is computed; `None`: everything that the convention has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<Algorithm>>,
    /// Fewer rows say nothing.
    pub min_window_sample_size: u64,
    /// For every column, in the place of the convention's.
    pub thresholds: Thresholds,
    /// For single columns, in the place of those for all.
    pub feature_thresholds: BTreeMap<String, Thresholds>,
}

/// Thresholds by algorithm.
pub type Thresholds = BTreeMap<Algorithm, Threshold>;

/// From where on a value is a warning or an alert. Of a test it is the p-value that must be below.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Bound, Option<f64>>")]
pub struct Threshold {
    /// None: this algorithm does not warn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// None: this algorithm does not alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<f64>,
}

/// A field of a threshold. Fields are read as the entries of a map, because those of a struct could come as a list, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bound {
    Warning,
    Alert,
}

impl From<BTreeMap<Bound, Option<f64>>> for Threshold {
    fn from(fields: BTreeMap<Bound, Option<f64>>) -> Self {
        let field = |bound| fields.get(&bound).copied().flatten();
        Self { warning: field(Bound::Warning), alert: field(Bound::Alert) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            convention: Convention::default(),
            algorithms: None,
            min_window_sample_size: 30,
            thresholds: Thresholds::new(),
            feature_thresholds: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What is computed.
    pub fn algorithms(&self) -> &[Algorithm] {
        self.algorithms.as_deref().unwrap_or(&Algorithm::ALL)
    }

    /// The threshold of an algorithm for a column.
    pub fn threshold(&self, column: &str, algorithm: Algorithm) -> Threshold {
        let own = self.feature_thresholds.get(column).and_then(|thresholds| thresholds.get(&algorithm));
        own.or_else(|| self.thresholds.get(&algorithm)).copied().unwrap_or_else(|| usual(self.convention, algorithm))
    }
}

/// The convention's threshold. By counts only the population stability index alerts; the libraries know "drift" or "no drift".
fn usual(convention: Convention, algorithm: Algorithm) -> Threshold {
    let limit = if convention.rule(algorithm) == Rule::Statistic { 0.1 } else { 0.05 };
    match (convention, algorithm) {
        (Convention::Servoir, Algorithm::Psi) => Threshold { warning: Some(0.1), alert: Some(0.2) },
        (Convention::Servoir, _) => Threshold { warning: Some(limit), alert: None },
        _ => Threshold { warning: None, alert: Some(limit) },
    }
}
