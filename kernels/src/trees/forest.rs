//! A forest as it is put together, checked whole.

use super::check::check;
use super::complete::Steps;
use super::layout::Layout;
use super::rows::{self, RowForm};
use super::{Feature, ForestError, Sum, Tree, walk};
use crate::Tier;

/// From so many rows on, a block is cheaper than rows alone: with 300 trees of depth 6 over 30 features it costs as much as
/// 15 rows, with AVX2 and with AVX-512.
const ROWS_MIN: usize = 15;

/// A forest that is ready to predict: every way of it is known to end, inside its memory.
#[derive(Debug)]
pub struct Forest<X, T> {
    features: usize,
    base: Vec<T>,
    layout: Layout<X, T>,
    rows: RowForm,
}

impl<X: Feature, T: Sum> Forest<X, T> {
    /// Checks trees over `features` columns and lays them out. Predictions begin at `base`, one value per output.
    ///
    /// # Errors
    /// What is wrong, and in which tree.
    pub fn new(features: usize, base: Vec<T>, trees: &[Tree<X, T>]) -> Result<Self, ForestError> {
        check(features, base.len(), trees)?;
        let layout = Layout::new(features, base.len(), trees);
        Ok(Self { features, rows: RowForm::of(&layout.slices), layout, base })
    }

    /// Columns of a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Values of a prediction.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// The trees as rows walk through them, and what predictions begin at: what a device's form is made from.
    pub(crate) fn parts(&self) -> (&Layout<X, T>, &[T]) {
        (&self.layout, &self.base)
    }

    /// Predicts rows, `[rows, features]` in row-major order, into `out`, `[rows, outputs]`: base values plus leaves, in
    /// the order of the trees.
    ///
    /// # Panics
    /// When the lengths of `rows` and `out` do not fit together.
    pub fn predict(&self, rows: &[X], out: &mut [T]) {
        self.predict_on(Tier::best(), rows, out);
    }

    /// The same with no more than `tier`'s instructions; a tier that this processor lacks counts as the best below it.
    ///
    /// # Panics
    /// When the lengths of `rows` and `out` do not fit together.
    pub fn predict_on(&self, tier: Tier, rows: &[X], out: &mut [T]) {
        let count = rows.len() / self.features;
        assert_eq!(rows.len(), count * self.features, "rows have {} columns", self.features);
        assert_eq!(out.len(), count * self.base.len(), "predictions have {} values", self.base.len());
        for row in out.chunks_exact_mut(self.base.len()) {
            row.copy_from_slice(&self.base);
        }
        let tier = tier.min(Tier::best());
        if count < ROWS_MIN || !blocks_on(tier, &self.layout, rows, out) {
            for (row, out) in rows.chunks_exact(self.features).zip(out.chunks_exact_mut(self.base.len())) {
                match self.rows {
                    RowForm::Walked => walk::one_row(&self.layout, row, out),
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the tier is not above what the processor has, and the form was chosen where it has the rest.
                    RowForm::RankedInBytes if tier == Tier::Avx512 => unsafe {
                        super::vbmi::one_row(&self.layout, row, out);
                    },
                    RowForm::RankedInBytes | RowForm::Ranked => rows::one_row(Steps, &self.layout, row, out),
                }
            }
        }
    }

    /// Predicts one row at a time, one tree at a time: the form that defines the answer.
    ///
    /// # Panics
    /// As [`Self::predict`].
    pub fn predict_scalar(&self, rows: &[X], out: &mut [T]) {
        for (row, out) in rows.chunks_exact(self.features).zip(out.chunks_exact_mut(self.base.len())) {
            out.copy_from_slice(&self.base);
            walk::one_tree_at_a_time(&self.layout, row, out);
        }
    }
}

/// Predicts in blocks, unless the tier has no instructions for them.
fn blocks_on<X: Feature, T: Sum>(tier: Tier, layout: &Layout<X, T>, rows: &[X], out: &mut [T]) -> bool {
    match tier {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is not above what the processor has.
        Tier::Avx512 => unsafe { super::avx512::many_rows(layout, rows, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the tier is not above what the processor has.
        Tier::Avx2 => unsafe { super::avx2::many_rows(layout, rows, out) },
        #[cfg(target_arch = "aarch64")]
        Tier::Neon => super::neon::many_rows(layout, rows, out),
        _ => return false,
    }
    true
}
