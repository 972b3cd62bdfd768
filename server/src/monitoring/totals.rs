//! What a tap has counted since it began: what this node's counters show.

use servoir_monitor::{Baseline, ColumnCounts, Profile, Quality, VersionCounts};
use std::sync::{Mutex, PoisonError};

/// The most values of an output that are told apart.
const VALUES_MAX: usize = 100;

/// What a tap has counted since it began.
pub struct Totals {
    baseline: Baseline,
    counts: Mutex<VersionCounts>,
}

/// The same as counters show it.
pub struct Counted {
    /// What could not be used, or was never seen before.
    pub quality: Quality,
    /// How often an output had a value: the output, the value, `None` for those that the baseline does not name, and the rows.
    pub values: Vec<(String, Option<String>, u64)>,
}

impl Totals {
    /// Of nothing yet, in the bins of this baseline.
    pub fn new(baseline: Baseline, nothing: VersionCounts) -> Self {
        Self { baseline, counts: Mutex::new(nothing) }
    }

    /// Adds what was counted since this was last done.
    pub fn add(&self, counts: &VersionCounts) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).merge(counts);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = self.baseline.outputs.iter().zip(&counts.outputs);
        let values = outputs.filter_map(|(column, counts)| match (&column.profile, counts) {
            (Profile::Category(profile), ColumnCounts::Category(counts)) => Some((column, profile, counts.shares())),
            _ => None,
        });
        let values = values.flat_map(|(column, profile, counts)| {
            let named = profile.values.iter().zip(&counts).take(VALUES_MAX);
            let rest = counts.iter().skip(profile.values.len().min(VALUES_MAX)).sum();
            let named = named.map(|((value, _), count)| (column.name.clone(), Some(value.clone()), *count));
            named.chain([(column.name.clone(), None, rest)]).collect::<Vec<_>>()
        });
        Counted { values: values.collect(), quality: Quality::of(&self.baseline, &counts) }
    }
}
