//! Which column each split compares.

use super::columns::{Columns, CutColumn, Cuts, SetColumn};
use super::layout::position;
use super::{Feature, Node, Split, Test, Tree};
use std::collections::HashMap;

/// Thresholds of one column. Ranks of values are 1 to 254, so that missing values lie below or above all of them.
const CUTS_MAX: usize = 253;
/// The rank of a missing value that goes left.
const MISSING_LEFT: u8 = 0;
/// The rank of a missing value that goes right.
const MISSING_RIGHT: u8 = u8::MAX;

/// Where a split compares: left is where the rank in `column` is below `below`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    pub column: u16,
    pub below: u8,
}

/// Finds the places of a forest's splits.
#[derive(Default)]
pub struct Places<X> {
    pub columns: Columns<X>,
    numbers: HashMap<Key, u16>,
}

/// What splits have in common that share a column.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// The feature, the first of its thresholds, whether missing values go left.
    Cuts(usize, usize, bool),
    /// The feature, the set, whether missing values go left.
    Set(usize, Box<[u32]>, bool),
}

impl<X: Feature> Places<X> {
    /// The places of the splits of these trees; none when there are more columns than 16 bits count.
    pub fn new<'a, T: 'a>(features: usize, trees: impl Iterator<Item = &'a Tree<X, T>>) -> Option<Self> {
        let mut by_feature: Vec<Vec<(&X, bool)>> = vec![Vec::new(); features];
        let mut by_set = Vec::new();
        for node in trees.flat_map(|tree| &tree.nodes) {
            match node {
                Node::Split(split) => match &split.test {
                    Test::AtMost(threshold) => by_feature[split.feature].push((threshold, split.missing_left)),
                    Test::In(set) => by_set.push((split.feature, set, split.missing_left)),
                },
                Node::Leaf(_) => {}
            }
        }
        let mut places = Self::default();
        for (feature, tests) in by_feature.iter().enumerate().filter(|(_, tests)| !tests.is_empty()) {
            places.add_cuts(feature, tests)?;
        }
        for (feature, set, missing_left) in by_set {
            places.add_set(feature, set, missing_left)?;
        }
        Some(places)
    }

    /// Where a split of these trees compares.
    pub fn of(&self, split: &Split<X>) -> Place {
        let (key, below) = match &split.test {
            Test::AtMost(threshold) => {
                let cuts = self.columns.cuts.binary_search_by_key(&split.feature, |cuts| cuts.feature);
                let (first, below) = stretch(cuts.map_or(&[], |at| &self.columns.cuts[at].thresholds), threshold);
                (Key::Cuts(split.feature, first, split.missing_left), below)
            }
            Test::In(set) => {
                (Key::Set(split.feature, set.as_slice().into(), split.missing_left), SetColumn::MEMBER + 1)
            }
        };
        Place { column: self.numbers[&key], below }
    }

    fn add_cuts(&mut self, feature: usize, tests: &[(&X, bool)]) -> Option<()> {
        // Zero and minus zero are one threshold, and NaN is none.
        let mut thresholds: Vec<X> =
            tests.iter().filter(|(threshold, _)| !threshold.is_nan()).map(|(x, _)| x.with_one_zero()).collect();
        thresholds.sort_unstable_by(X::total_cmp);
        thresholds.dedup();
        let mut stretches: Vec<_> =
            tests.iter().map(|(threshold, missing_left)| (stretch(&thresholds, threshold).0, *missing_left)).collect();
        stretches.sort_unstable();
        stretches.dedup();
        let mut columns = Vec::with_capacity(stretches.len());
        for (first, missing_left) in stretches {
            let count = CUTS_MAX.min(thresholds.len() - first);
            columns.push(CutColumn { first: position(first), count: position(count), missing: missing(missing_left) });
            self.number(Key::Cuts(feature, first, missing_left))?;
        }
        self.columns.cuts.push(Cuts { feature, thresholds, columns });
        Some(())
    }

    fn add_set(&mut self, feature: usize, set: &[u32], missing_left: bool) -> Option<()> {
        let key = Key::Set(feature, set.into(), missing_left);
        if !self.numbers.contains_key(&key) {
            self.columns.sets.push(SetColumn { feature, set: set.into(), missing: missing(missing_left) });
            self.number(key)?;
        }
        Some(())
    }

    fn number(&mut self, key: Key) -> Option<()> {
        self.numbers.insert(key, u16::try_from(self.columns.count).ok()?);
        self.columns.count += 1;
        Some(())
    }
}

/// The first threshold of the column of `threshold`, and the lowest rank there that is above it.
#[allow(clippy::cast_possible_truncation)] // at most 254
fn stretch<X: Feature>(thresholds: &[X], threshold: &X) -> (usize, u8) {
    if threshold.is_nan() {
        // Nothing but a missing value is at most NaN.
        return (0, MISSING_LEFT + 1);
    }
    let at = thresholds.partition_point(|cut| cut < threshold);
    (at - at % CUTS_MAX, (at % CUTS_MAX + 2) as u8)
}

const fn missing(left: bool) -> u8 {
    if left { MISSING_LEFT } else { MISSING_RIGHT }
}
