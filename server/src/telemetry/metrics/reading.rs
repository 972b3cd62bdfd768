//! Reading a model's counters, and what happened between two readings.

use super::Metrics;
use super::model::ModelMetrics;
use prometheus::Histogram;
use prometheus::core::Metric as _;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a model has answered so far, by version.
#[derive(Debug, Clone, Default)]
pub struct Reading(HashMap<u64, Counts>);

/// What a version has answered; between two readings, what all have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    requests: u64,
    ok: u64,
    rows: u64,
    /// Requests that ran, and the rows of the batches that they ran in.
    ran: u64,
    batch_rows: f64,
    /// Upper bounds in seconds, with the requests that took no longer.
    durations: Vec<(f64, u64)>,
}

/// What happened between two readings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Traffic(Counts);

impl Metrics {
    /// A model's counters now; of versions that are in memory and have been asked.
    pub fn reading(&self, model: &str) -> Reading {
        let models = self.models.load();
        let versions = models.get(model).into_iter().flatten();
        Reading(versions.map(|(version, handles)| (*version, Counts::of(handles))).collect())
    }
}

impl Counts {
    pub fn of(handles: &ModelMetrics) -> Self {
        handles.add_up();
        let mut counts = Self {
            ok: handles.ok.iter().map(|counter| counter.get()).sum(),
            rows: handles.rows.get(),
            ran: handles.batch_rows.get_sample_count(),
            batch_rows: handles.batch_rows.get_sample_sum(),
            ..Self::default()
        };
        for histogram in &handles.duration {
            counts.add_durations(&cumulative(histogram));
            counts.requests += histogram.get_sample_count();
        }
        counts
    }

    fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.ok += more.ok;
        self.rows += more.rows;
        self.ran += more.ran;
        self.batch_rows += more.batch_rows;
        self.add_durations(&more.durations);
    }

    fn add_durations(&mut self, more: &[(f64, u64)]) {
        if self.durations.is_empty() {
            self.durations = more.to_vec();
            return;
        }
        // Those of another version of the server may have other bounds.
        for ((_, count), (_, other)) in self.durations.iter_mut().zip(more).filter(|((a, _), (b, _))| a == b) {
            *count += other;
        }
    }

    pub fn since(&self, earlier: &Self) -> Self {
        let before = |index: usize| earlier.durations.get(index).map_or(0, |(_, count)| *count);
        let durations = self.durations.iter().enumerate();
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            ok: self.ok.saturating_sub(earlier.ok),
            rows: self.rows.saturating_sub(earlier.rows),
            ran: self.ran.saturating_sub(earlier.ran),
            batch_rows: self.batch_rows - earlier.batch_rows,
            durations: durations.map(|(i, (bound, count))| (*bound, count.saturating_sub(before(i)))).collect(),
        }
    }
}

fn cumulative(histogram: &Histogram) -> Vec<(f64, u64)> {
    let metric = histogram.metric();
    let buckets = metric.get_histogram().get_bucket().iter();
    let finite = buckets.filter(|bucket| bucket.upper_bound().is_finite());
    finite.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count())).collect()
}

impl Reading {
    /// What happened since an earlier reading of the same model, over all of its versions.
    pub fn since(&self, earlier: &Self) -> Traffic {
        let nothing = Counts::default();
        let mut all = Counts::default();
        for (version, counts) in &self.0 {
            all.add(&counts.since(earlier.0.get(version).unwrap_or(&nothing)));
        }
        Traffic(all)
    }
}

impl From<Counts> for Traffic {
    fn from(counts: Counts) -> Self {
        Self(counts)
    }
}

impl Traffic {
    /// Adds what happened at another time or on another node.
    pub fn add(&mut self, more: &Self) {
        self.0.add(&more.0);
    }

    /// Predictions answered, well or not.
    pub fn requests(&self) -> u64 {
        self.0.requests
    }

    /// Those that were not answered with 200.
    pub fn failed(&self) -> u64 {
        self.0.requests.saturating_sub(self.0.ok)
    }

    /// Rows predicted.
    pub fn rows(&self) -> u64 {
        self.0.rows
    }

    /// Rows of the batch that a request ran in, on average; `None` when none ran.
    pub fn mean_batch_rows(&self) -> Option<f64> {
        (self.0.ran > 0).then(|| self.0.batch_rows / self.0.ran as f64)
    }

    /// The time in seconds within which this share of the requests was answered, interpolated between the bounds of the
    /// histogram's buckets; `None` when there was none. Beyond the last bound, that bound.
    pub fn duration_quantile(&self, share: f64) -> Option<f64> {
        let rank = self.0.requests as f64 * share;
        let (mut lower, mut below) = (0.0, 0);
        for &(upper, count) in self.0.durations.iter().filter(|_| self.0.requests > 0) {
            if count > below && count as f64 >= rank {
                return Some(lower + (upper - lower) * (rank - below as f64).max(0.0) / (count - below) as f64);
            }
            (lower, below) = (upper, count);
        }
        (self.0.requests > 0).then_some(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u64, ok: u64, durations: &[(f64, u64)]) -> Counts {
        Counts { requests, ok, rows: 2 * ok, ran: ok, batch_rows: 4.0 * ok as f64, durations: durations.to_vec() }
    }

    #[test]
    fn what_happened_is_the_difference_over_the_versions_that_are_there() {
        let earlier =
            Reading([(1, counts(10, 9, &[(1.0, 5), (2.0, 10)])), (2, counts(3, 3, &[(1.0, 3), (2.0, 3)]))].into());
        let later =
            Reading([(2, counts(7, 6, &[(1.0, 4), (2.0, 7)])), (3, counts(1, 1, &[(1.0, 1), (2.0, 1)]))].into());
        let traffic = later.since(&earlier);
        assert_eq!((traffic.requests(), traffic.failed(), traffic.rows()), (5, 1, 8));
        assert_eq!(traffic.mean_batch_rows(), Some(4.0));
        assert_eq!(traffic.0.durations, [(1.0, 2), (2.0, 5)]);
        let quiet = later.since(&later);
        assert_eq!((quiet.requests(), quiet.mean_batch_rows(), quiet.duration_quantile(0.5)), (0, None, None));
    }

    #[test]
    fn quantiles_are_interpolated_within_their_bucket() {
        let bounds = |counts: [u64; 3]| vec![(1.0, counts[0]), (2.0, counts[1]), (4.0, counts[2])];
        let cases = [
            (10, [10, 10, 10], 0.5, 0.5),
            (10, [0, 10, 10], 0.5, 1.5),
            (10, [0, 5, 10], 0.5, 2.0),
            (10, [0, 5, 10], 0.9, 3.6),
            (10, [10, 10, 10], 1.0, 1.0),
            (10, [10, 10, 10], 0.0, 0.0),
            (10, [5, 5, 5], 0.99, 4.0),
            (1, [0, 0, 1], 0.5, 3.0),
        ];
        for (requests, buckets, share, expected) in cases {
            let traffic = Traffic(Counts { requests, durations: bounds(buckets), ..Counts::default() });
            let got = traffic.duration_quantile(share).unwrap();
            assert!((got - expected).abs() < 1e-9, "{share} of {buckets:?}: {got}, expected {expected}");
        }
    }
}
