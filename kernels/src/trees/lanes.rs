//! What differs between processors that compare blocks of rows.

#[cfg(test)]
pub mod properties;

use super::blocks::ROWS;
use super::layout::position;
use super::slices::ABREAST;
use super::{Feature, Sum};
use std::hint::select_unpredictable;

/// A processor's instructions for blocks. Bit `i` of a word stands for row `i`.
pub trait Lanes: Copy {
    /// How many thresholds lie below each value.
    #[inline(always)]
    fn thresholds_below<X: Feature>(self, thresholds: &[X], values: &[X; ROWS]) -> [u32; ROWS] {
        search_each(thresholds, values)
    }

    /// The rows whose rank is at most the byte that `most` repeats four times.
    fn at_most(self, ranks: &[u8; ROWS], most: u32) -> u64;

    /// Replaces the bits of `right` by those of `left` where `turn` has a bit.
    fn choose(self, turn: &[u64; ABREAST], left: &[u64; ABREAST], right: &mut [u64; ABREAST]);

    /// The numbers whose bits the planes are, the lowest first.
    fn numbers<const BITS: usize>(self, planes: &[u64; BITS]) -> [u8; ROWS];

    /// Adds the value of each row's number.
    ///
    /// # Safety
    /// Every number must be below the length of the table.
    #[inline(always)]
    unsafe fn add<T: Sum>(self, table: &[T], numbers: &[u8; ROWS], sums: &mut [T; ROWS]) {
        // SAFETY: the caller knows it.
        unsafe { add_each(table, numbers, sums) };
    }
}

/// Adds values one by one.
///
/// # Safety
/// As [`Lanes::add`].
#[inline(always)]
pub unsafe fn add_each<T: Sum>(table: &[T], numbers: &[u8; ROWS], sums: &mut [T; ROWS]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        // SAFETY: the caller knows it.
        *sum += unsafe { *table.get_unchecked(usize::from(*number)) };
    }
}

/// Counts the thresholds below each value by halves: the steps are the same for all values, and without branches.
#[inline(always)]
pub fn search_each<X: Feature, const N: usize>(thresholds: &[X], values: &[X; N]) -> [u32; N] {
    let mut below = [0; N];
    let mut size = thresholds.len();
    while size > 0 {
        let half = size.div_ceil(2);
        for (below, x) in below.iter_mut().zip(values) {
            // SAFETY: what is below and the size that is left are never more than the thresholds together.
            let is_below = unsafe { *thresholds.get_unchecked(*below as usize + half - 1) } < *x;
            *below += select_unpredictable(is_below, position(half), 0);
        }
        size -= half;
    }
    below
}
