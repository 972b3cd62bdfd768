//! Columns of ranks: what trees compare in place of numbers.
//!
//! A feature's thresholds are sorted, and a value is replaced by how many of them lie below it. `x <= t` holds exactly when
//! that count is at most the position of `t`, so ranks of one byte stand for numbers of any precision. A column is one
//! feature, up to 253 of its thresholds, and one answer for missing values; a feature with more thresholds, or with splits
//! that answer differently, has several columns. A set of categories has a column of its own.

use super::Feature;
use super::blocks::ROWS;
use super::lanes::{Lanes, search_each};
use super::walk::{Rows, is_in};

/// All columns of a forest, those of thresholds before those of sets.
#[derive(Debug, Default)]
pub struct Columns<X> {
    /// The features that are compared with thresholds.
    pub cuts: Vec<Cuts<X>>,
    pub sets: Vec<SetColumn>,
    /// Columns together.
    pub count: usize,
}

/// A feature's thresholds, and the columns that they are spread over.
#[derive(Debug)]
pub struct Cuts<X> {
    pub feature: usize,
    /// In ascending order, each once.
    pub thresholds: Vec<X>,
    pub columns: Vec<CutColumn>,
}

/// A stretch of a feature's thresholds.
#[derive(Debug, Clone, Copy)]
pub struct CutColumn {
    /// The first threshold.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// The rank of a missing value.
    pub missing: u8,
}

/// A set of categories of one feature.
#[derive(Debug)]
pub struct SetColumn {
    pub feature: usize,
    pub set: Box<[u32]>,
    /// The rank of a missing value.
    pub missing: u8,
}

impl CutColumn {
    /// The rank of a value that has `below` thresholds below it.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // a column has fewer thresholds than a byte has numbers
    fn rank(self, below: u32) -> u8 {
        (below.saturating_sub(self.first).min(self.count) + 1) as u8
    }
}

impl SetColumn {
    /// The rank of members, and of all others but missing values.
    pub const MEMBER: u8 = 1;
    const OTHER: u8 = 2;

    fn rank<X: Feature>(&self, x: X) -> u8 {
        if x.is_nan() {
            self.missing
        } else if is_in(&self.set, x) {
            Self::MEMBER
        } else {
            Self::OTHER
        }
    }
}

impl<X: Feature> Columns<X> {
    /// About what it costs to rank one row, in steps of a walk through a tree.
    pub fn steps(&self) -> usize {
        let search = |cuts: &Cuts<X>| (cuts.thresholds.len() + 1).ilog2() as usize + 1;
        self.cuts.iter().map(|cuts| search(cuts) + cuts.columns.len()).sum::<usize>() + 2 * self.sets.len()
    }

    /// Ranks one row into the first of `ranks`, a column each.
    ///
    /// # Panics
    /// When the row has too few features, or there are fewer ranks than columns.
    #[inline(always)]
    pub fn rank_row(&self, row: &[X], ranks: &mut [u8]) {
        let mut ranks = ranks[..self.count].iter_mut();
        for cuts in &self.cuts {
            let x = row[cuts.feature];
            let [below] = search_each(&cuts.thresholds, &[x]);
            for (column, rank) in cuts.columns.iter().zip(&mut ranks) {
                *rank = if x.is_nan() { column.missing } else { column.rank(below) };
            }
        }
        for (set, rank) in self.sets.iter().zip(&mut ranks) {
            *rank = set.rank(row[set.feature]);
        }
    }

    /// Ranks up to a block of rows into `ranks`, a column each. Ranks of rows that are not there mean nothing.
    ///
    /// # Panics
    /// When a row has too few features, or there are fewer ranks than columns.
    #[inline(always)]
    pub fn rank_block(&self, lanes: impl Lanes, rows: Rows<'_, X>, ranks: &mut [[u8; ROWS]]) {
        let mut ranks = ranks[..self.count].iter_mut();
        let mut values = [X::INFINITY; ROWS];
        for cuts in &self.cuts {
            rows.column(cuts.feature, &mut values);
            let below = lanes.thresholds_below(&cuts.thresholds, &values);
            let missing = values.iter().fold(false, |missing, x| missing | x.is_nan());
            for (column, ranks) in cuts.columns.iter().zip(&mut ranks) {
                for (rank, below) in ranks.iter_mut().zip(&below) {
                    *rank = column.rank(*below);
                }
                if missing {
                    for (rank, _) in ranks.iter_mut().zip(&values).filter(|(_, x)| x.is_nan()) {
                        *rank = column.missing;
                    }
                }
            }
        }
        for (set, ranks) in self.sets.iter().zip(&mut ranks) {
            rows.column(set.feature, &mut values);
            for (rank, x) in ranks.iter_mut().zip(&values) {
                *rank = set.rank(*x);
            }
        }
    }
}
