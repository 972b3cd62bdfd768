//! From the columns that a learner saw back to the features that a person knows.

use super::{Ranking, Share};
use crate::evaluate::sum::sum;

/// Which encoded column comes from which feature.
#[derive(Debug, Clone, Copy)]
pub struct Encoding<'a> {
    /// The source columns, in the model's order.
    pub features: &'a [String],
    /// The place of its feature, by encoded column.
    pub sources: &'a [usize],
}

impl Encoding<'_> {
    /// A ranking by what a learner says of its encoded columns, such as the total gain or the number of splits; a feature has
    /// the sum of its columns.
    pub fn ranking(&self, by_column: &[f64]) -> Ranking {
        ranking(self.features, self.gather(by_column).into_iter().map(|value| (value, None)))
    }

    /// The sum of the columns of each feature.
    pub(super) fn gather(&self, by_column: &[f64]) -> Vec<f64> {
        let mut by_feature = vec![0.0; self.features.len()];
        for (source, value) in self.sources.iter().zip(by_column) {
            by_feature[*source] += value;
        }
        by_feature
    }

    /// The encoded columns of a feature.
    pub(super) fn columns(&self, feature: usize) -> Vec<usize> {
        (0..self.sources.len()).filter(|&column| self.sources[column] == feature).collect()
    }
}

/// Ranks features by their values. What is below 0 is no importance.
pub(super) fn ranking(features: &[String], values: impl Iterator<Item = (f64, Option<f64>)>) -> Ranking {
    let mut ranking: Ranking = features
        .iter()
        .zip(values)
        .map(|(feature, (value, deviation))| Share {
            feature: feature.clone(),
            importance: if value.is_finite() { value.max(0.0) } else { 0.0 },
            value: if value.is_finite() { value } else { 0.0 },
            deviation,
        })
        .collect();
    let total = sum(ranking.iter().map(|share| share.importance));
    if total > 0.0 {
        ranking.iter_mut().for_each(|share| share.importance /= total);
    }
    ranking.sort_by(|a, b| b.value.total_cmp(&a.value));
    ranking
}
