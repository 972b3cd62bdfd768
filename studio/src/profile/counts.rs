//! How often each value comes: one by one while there are few, by sketches when there are many.

use super::key::Key;
use super::sketches::{Capacity, Sketches};
use std::collections::HashMap;

/// What the values of all columns may take, in bytes, as long as they are counted one by one.
const BYTES_ALL: usize = 64 << 20;
/// What those of one column may take: some 16,000 short values.
const BYTES_COLUMN: usize = 1 << 20;
/// What a value takes beside its own bytes.
const ENTRY_BYTES: usize = 64;
/// Columns up to which the sketch of frequent values is large.
const COLUMNS_FEW: usize = 256;

/// What a column may take in memory.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Of values that are counted one by one, in bytes.
    exact_bytes: usize,
    /// Of the sketches.
    sketches: Capacity,
}

impl Budget {
    /// The share of one of so many columns.
    pub fn of(columns: usize) -> Self {
        let exact_bytes = (BYTES_ALL / columns.max(1)).min(BYTES_COLUMN);
        Self { exact_bytes, sketches: if columns <= COLUMNS_FEW { Capacity::Large } else { Capacity::Small } }
    }
}

/// Counts of values.
pub struct Counts<K> {
    budget: Budget,
    state: State<K>,
}

enum State<K> {
    Exact { counts: HashMap<K, u64>, bytes: usize },
    Sketched(Box<Sketches<K>>),
}

impl<K: Key> Counts<K> {
    /// None yet.
    pub fn new(budget: Budget) -> Self {
        Self { budget, state: State::Exact { counts: HashMap::new(), bytes: 0 } }
    }

    /// Another value.
    pub fn add(&mut self, value: &K::View) {
        match &mut self.state {
            State::Sketched(sketches) => sketches.add(value),
            State::Exact { counts, bytes } => {
                if let Some(count) = counts.get_mut(value) {
                    *count += 1;
                    return;
                }
                *bytes += ENTRY_BYTES + K::heap_bytes(value);
                counts.insert(value.to_owned(), 1);
                if *bytes > self.budget.exact_bytes {
                    let counts = sorted(std::mem::take(counts));
                    self.state = State::Sketched(Box::new(Sketches::of(&counts, self.budget.sketches)));
                }
            }
        }
    }

    /// What was counted.
    pub fn finish(self) -> Counted<K> {
        match self.state {
            State::Exact { counts, .. } => Counted::Exact(sorted(counts)),
            State::Sketched(sketches) => Counted::Sketched(sketches),
        }
    }
}

fn sorted<K: Ord>(counts: HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    counts
}

/// What was counted.
pub enum Counted<K> {
    /// Each value with its count, in ascending order of the values.
    Exact(Vec<(K, u64)>),
    /// In sketches.
    Sketched(Box<Sketches<K>>),
}

impl<K: Key> Counted<K> {
    /// Whether each value was counted by itself.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }

    /// How many values differ.
    pub fn distinct(&self) -> u64 {
        match self {
            Self::Exact(counts) => counts.len() as u64,
            Self::Sketched(sketches) => sketches.distinct(),
        }
    }

    /// The most frequent values, at most `most`: the most frequent first, of those equally frequent the least.
    pub fn top(&self, most: usize) -> Vec<(K, u64)> {
        let mut top = match self {
            Self::Exact(counts) => counts.clone(),
            Self::Sketched(sketches) => sketches.frequent(),
        };
        top.sort_unstable_by(|(left, often), (right, oftener)| oftener.cmp(often).then_with(|| left.cmp(right)));
        top.truncate(most);
        top
    }

    /// Values below which these shares of all values lie. Where each was counted: interpolated between its two neighbours,
    /// as NumPy's `quantile` does by default. `None` without values, and where they are no numbers.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        match self {
            Self::Sketched(sketches) => sketches.quantiles(shares),
            Self::Exact(counts) => {
                let mut upto = 0;
                let cumulative = counts.iter().map(|(value, count)| {
                    upto += count;
                    Some((K::number(value.borrow())?, upto))
                });
                let cumulative: Vec<(f64, u64)> = cumulative.collect::<Option<_>>()?;
                let &(_, all) = cumulative.last()?;
                let at = |rank: u64| cumulative[cumulative.partition_point(|&(_, upto)| upto <= rank)].0;
                Some(shares.map(|share| {
                    let place = share * (all - 1) as f64;
                    let below = (place as u64).min(all - 1);
                    let (low, high) = (at(below), at((below + 1).min(all - 1)));
                    let part = place - below as f64;
                    low * (1.0 - part) + high * part
                }))
            }
        }
    }
}
