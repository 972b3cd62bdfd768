//! What runs of a version cost, by their rows, and whether another's cost more.

use super::observation::{Observation, Runs};
use std::collections::BTreeMap;

/// The most sizes of runs whose cost is remembered.
const SIZES_MAX: usize = 64;
/// Runs that take less than this longer, each in nanoseconds, are not worth a rollback, however short they were.
const LONGER_NANOS_MIN: f64 = 100_000.0;

/// What runs cost: by their rows, the mean of each stretch in nanoseconds, ascending.
#[derive(Debug, Clone, Default)]
pub struct Costs(BTreeMap<usize, Vec<f64>>);

impl Costs {
    /// Adds what runs of a stretch took.
    pub fn add(&mut self, observation: &Observation) {
        for Runs { rows, count, nanos } in &observation.runs {
            if self.0.len() < SIZES_MAX || self.0.contains_key(rows) {
                let (means, mean) = (self.0.entry(*rows).or_default(), *nanos as f64 / *count as f64);
                means.insert(means.partition_point(|known| *known < mean), mean);
            }
        }
    }

    /// What a run of so many rows takes, in nanoseconds: the median of the stretches, which one that was held up does not
    /// move; between known sizes on the line between them, below them like the smallest, beyond them in proportion to the
    /// largest. `None` while nothing is known.
    fn expected(&self, rows: usize) -> Option<f64> {
        let median = |(rows, means): (&usize, &Vec<f64>)| (*rows as f64, means[means.len() / 2]);
        let below = self.0.range(..=rows).next_back().map(median);
        let above = self.0.range(rows..).next().map(median);
        let wanted = rows as f64;
        match (below, above) {
            (Some((from, low)), Some((to, high))) if to > from => {
                Some(low + (high - low) * (wanted - from) / (to - from))
            }
            (Some((_, cost)), Some(_)) | (None, Some((_, cost))) => Some(cost),
            (Some((from, cost)), None) => Some(cost * (wanted / from.max(1.0))),
            (None, None) => None,
        }
    }

    /// How long the runs of a stretch took and how long they would have taken by these costs, in nanoseconds. `None` when no
    /// run ended, or nothing is known.
    pub fn compare(&self, observation: &Observation) -> Option<Compared> {
        let mut compared = Compared::default();
        for runs in &observation.runs {
            compared.runs += runs.count;
            compared.took += runs.nanos as f64;
            compared.expected += self.expected(runs.rows)? * runs.count as f64;
        }
        (compared.runs > 0).then_some(compared)
    }
}

/// How long runs took, and how long they would have taken before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Compared {
    /// How many.
    pub runs: u64,
    /// In nanoseconds.
    pub took: f64,
    /// In nanoseconds.
    pub expected: f64,
}

impl Compared {
    /// Whether the runs took more than `factor` times as long.
    pub fn is_slower(&self, factor: f64) -> bool {
        self.took > self.expected * factor && self.took - self.expected > LONGER_NANOS_MIN * self.runs as f64
    }

    /// Adds other runs.
    pub fn add(&mut self, more: &Self) {
        self.runs += more.runs;
        self.took += more.took;
        self.expected += more.expected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(runs: &[(usize, u64, u64)]) -> Observation {
        let runs = runs.iter().map(|&(rows, count, nanos)| Runs { rows, count, nanos }).collect();
        Observation { runs, ..Observation::default() }
    }

    #[test]
    fn the_cost_of_a_size_follows_from_those_that_are_known() {
        let mut costs = Costs::default();
        assert_eq!(costs.expected(4), None);
        costs.add(&stretch(&[(2, 10, 90_000)]));
        costs.add(&stretch(&[(2, 10, 1000)]));
        costs.add(&stretch(&[(2, 20, 4000), (8, 1, 800)]));
        for (rows, expected) in [(0, 200.0), (1, 200.0), (2, 200.0), (5, 500.0), (8, 800.0), (16, 1600.0)] {
            assert_eq!(costs.expected(rows), Some(expected), "{rows} rows");
        }
    }

    #[test]
    fn slower_is_by_the_factor_and_by_enough_to_matter() {
        let mut costs = Costs::default();
        costs.add(&stretch(&[(1, 10, 10_000_000), (32, 10, 40_000_000)]));
        let compare = |runs: &[(usize, u64, u64)]| costs.compare(&stretch(runs)).expect("runs").is_slower(2.0);
        assert!(!compare(&[(1, 10, 19_000_000)]));
        assert!(compare(&[(1, 10, 21_000_000)]));
        assert!(!compare(&[(32, 10, 79_000_000)]), "larger runs take longer");
        let mut short = Costs::default();
        short.add(&stretch(&[(1, 10, 10_000)]));
        assert!(!short.compare(&stretch(&[(1, 10, 900_000)])).expect("runs").is_slower(2.0), "90 µs");
        assert!(short.compare(&stretch(&[(1, 10, 1_100_000)])).expect("runs").is_slower(2.0));
        assert_eq!(short.compare(&stretch(&[])), None);
    }
}
