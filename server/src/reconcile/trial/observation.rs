//! What a deployment does, stretch by stretch, read from what it counts anyway.

use servoir_runtime::{BatchStatistics, Statistics};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A stretch is over when so many runs have ended or failed: fewer say more of the machine than of the model.
const RUNS_MIN: u64 = 10;
/// Or when it is so long, and anything has happened.
const LONGEST: Duration = Duration::from_secs(10);
/// The most sizes of runs that are told apart in a stretch: those that are run most.
const SIZES_MAX: usize = 8;
/// The stretches that are remembered of what is live, for what comes after it.
pub const REMEMBERED_MAX: usize = 120;

/// What happened in a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observation {
    /// Requests that were answered, or not through the model's fault.
    pub requests: u64,
    /// The latter.
    pub errors: u64,
    /// Runs by their rows.
    pub runs: Vec<Runs>,
}

/// Runs of so many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runs {
    /// Rows of each.
    pub rows: usize,
    /// How many.
    pub count: u64,
    /// How long they took in the engine altogether, in nanoseconds.
    pub nanos: u64,
}

/// Cuts what a deployment counts into stretches.
pub struct Observer {
    /// The counters when the stretch began.
    from: Statistics,
    since: Instant,
    /// The newest, the oldest first.
    recent: VecDeque<Observation>,
}

impl Observer {
    /// From these counters on.
    pub fn new(from: Statistics, now: Instant) -> Self {
        Self { from, since: now, recent: VecDeque::new() }
    }

    /// The counters now; what happened, when that ends a stretch.
    pub fn observe(&mut self, counted: Statistics, now: Instant) -> Option<Observation> {
        let observation = Observation::between(&self.from, &counted);
        let ended = observation.runs.iter().map(|runs| runs.count).sum::<u64>() + observation.errors;
        if ended == 0 || (ended < RUNS_MIN && now.saturating_duration_since(self.since) < LONGEST) {
            if ended == 0 {
                self.since = now;
            }
            return None;
        }
        (self.from, self.since) = (counted, now);
        if self.recent.len() == REMEMBERED_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(observation.clone());
        Some(observation)
    }

    /// The newest stretches, the oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Observation> {
        self.recent.iter()
    }
}

impl Observation {
    fn between(from: &Statistics, to: &Statistics) -> Self {
        let errors = to.errors.saturating_sub(from.errors);
        let answered = to.success.count.saturating_sub(from.success.count);
        let mut runs: Vec<Runs> = to
            .batches
            .iter()
            .map(|size| {
                let before = from.batches.binary_search_by_key(&size.rows, |size| size.rows);
                let before = before.map_or_else(|_| BatchStatistics::default(), |index| from.batches[index]);
                let (to, from) = (size.compute_infer, before.compute_infer);
                let (count, nanos) = (to.count.saturating_sub(from.count), to.nanos.saturating_sub(from.nanos));
                Runs { rows: size.rows, count, nanos }
            })
            .filter(|runs| runs.count > 0)
            .collect();
        runs.sort_by_key(|runs| (std::cmp::Reverse(runs.count), runs.rows));
        runs.truncate(SIZES_MAX);
        runs.shrink_to_fit();
        Self { requests: answered + errors, errors, runs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_runtime::Tally;

    fn counted(success: u64, errors: u64, sizes: &[(usize, u64, u64)]) -> Statistics {
        let of = |&(rows, count, nanos): &(usize, u64, u64)| BatchStatistics {
            rows,
            compute_infer: Tally { count, nanos },
            ..BatchStatistics::default()
        };
        Statistics {
            success: Tally { count: success, nanos: 0 },
            errors,
            batches: sizes.iter().map(of).collect(),
            ..Statistics::default()
        }
    }

    #[test]
    fn a_stretch_ends_after_enough_runs_or_long_enough() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut observer = Observer::new(counted(5, 1, &[(1, 5, 500)]), start);
        assert_eq!(observer.observe(counted(9, 1, &[(1, 9, 900)]), after(1)), None, "too few");
        let observed = observer.observe(counted(25, 2, &[(1, 12, 1300), (4, 3, 600)]), after(2));
        let runs = |rows, count, nanos| Runs { rows, count, nanos };
        let expected = Observation { requests: 21, errors: 1, runs: vec![runs(1, 7, 800), runs(4, 3, 600)] };
        assert_eq!(observed.as_ref(), Some(&expected));
        let quiet = || counted(25, 2, &[(1, 12, 1300), (4, 3, 600)]);
        assert_eq!(observer.observe(quiet(), after(60)), None, "nothing happened");
        let once = || counted(25, 3, &[(1, 12, 1300), (4, 3, 600)]);
        assert_eq!(observer.observe(once(), after(65)), None);
        let observed = observer.observe(once(), after(70));
        assert_eq!(observed, Some(Observation { requests: 1, errors: 1, runs: vec![] }), "ten seconds");
        assert_eq!(observer.recent().count(), 2);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let start = Instant::now();
        let mut observer = Observer::new(Statistics::default(), start);
        for turn in 1..=2 * REMEMBERED_MAX as u64 {
            let sizes: Vec<_> = (1..=20).map(|rows| (rows, turn * rows as u64, turn)).collect();
            let observed = observer.observe(counted(turn, 0, &sizes), start).expect("enough runs");
            assert_eq!((observed.runs.len(), observed.runs[0].rows), (SIZES_MAX, 20), "the commonest sizes");
        }
        assert_eq!(observer.recent().count(), REMEMBERED_MAX);
    }
}
