//! Single rows, ranked first: every test then compares two bytes of a small table.

use super::complete::Walk;
use super::layout::{Layout, Root};
use super::slices::{ABREAST, Shape, Slice, Slices};
use super::{Feature, Sum, complete, walk};

/// The most columns of a row of ranks.
const COLUMNS_MAX: usize = 1024;

/// What single rows of a forest go through.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // bytes are permuted there alone
pub enum RowForm {
    /// The nodes, with the features' own numbers.
    Walked,
    /// Complete trees, with ranks.
    Ranked,
    /// Complete trees, with ranks in columns that bytes number, on a processor that permutes bytes.
    RankedInBytes,
}

impl RowForm {
    /// The cheapest for a forest: rows are ranked when most trees are complete.
    pub fn of<X, T>(slices: &Slices<X, T>) -> Self {
        let is_complete = |slice: &&Slice| matches!(slice.shape, Shape::Complete { .. });
        let complete = slices.trees.iter().flatten().filter(is_complete).count();
        if slices.columns.count > COLUMNS_MAX || 2 * complete <= slices.trees.len() {
            return Self::Walked;
        }
        #[cfg(target_arch = "x86_64")]
        if slices.columns.count <= super::slices::BYTE_COLUMNS_MAX && super::vbmi::is_here() {
            return Self::RankedInBytes;
        }
        Self::Ranked
    }
}

/// Adds every tree's leaf for one row to `out`, in the order of the trees.
#[inline(always)]
pub fn one_row<X: Feature, T: Sum>(way: impl Walk, layout: &Layout<X, T>, row: &[X], out: &mut [T]) {
    let mut ranks = [0; COLUMNS_MAX];
    layout.slices.columns.rank_row(row, &mut ranks);
    if let [sum] = out {
        // One sum stays in a register from tree to tree.
        *sum = one_sum(way, layout, row, &ranks, *sum);
    } else {
        sums(way, layout, row, &ranks, out);
    }
}

#[inline(always)]
fn one_sum<X: Feature, T: Sum>(
    way: impl Walk,
    layout: &Layout<X, T>,
    row: &[X],
    ranks: &[u8; COLUMNS_MAX],
    mut sum: T,
) -> T {
    let slices = &layout.slices;
    for (roots, trees) in layout.roots.chunks(ABREAST).zip(slices.trees.chunks(ABREAST)) {
        if let Some(numbers) = numbers(way, slices, trees, ranks) {
            for (slice, number) in trees.iter().flatten().zip(numbers) {
                // SAFETY: the table has a value for every number of a slice's bits.
                sum += unsafe { *slices.table.get_unchecked(slice.table + number) };
            }
        } else {
            let mut one = [sum];
            walk_trees(layout, roots, row, &mut one);
            [sum] = one;
        }
    }
    sum
}

#[inline(always)]
fn sums<X: Feature, T: Sum>(
    way: impl Walk,
    layout: &Layout<X, T>,
    row: &[X],
    ranks: &[u8; COLUMNS_MAX],
    out: &mut [T],
) {
    let slices = &layout.slices;
    for (roots, trees) in layout.roots.chunks(ABREAST).zip(slices.trees.chunks(ABREAST)) {
        let Some(numbers) = numbers(way, slices, trees, ranks) else {
            walk_trees(layout, roots, row, out);
            continue;
        };
        for ((root, slice), number) in roots.iter().zip(trees.iter().flatten()).zip(numbers) {
            let width = root.width as usize;
            let values = &slices.table[slice.table + number * width..][..width];
            walk::add_all(&mut out[root.output as usize..], values);
        }
    }
}

/// The numbers of the leaves that a row reaches in trees that are walked through abreast, when these are.
#[inline(always)]
fn numbers<X, T>(
    way: impl Walk,
    slices: &Slices<X, T>,
    trees: &[Option<Slice>],
    ranks: &[u8; COLUMNS_MAX],
) -> Option<[usize; ABREAST]> {
    let complete = |slice: &Option<Slice>| matches!(slice, Some(Slice { shape: Shape::Complete { .. }, .. }));
    match trees.first() {
        Some(Some(Slice { shape: Shape::Complete { heap, .. }, bits, .. }))
            if trees.len() == ABREAST && trees.iter().all(complete) =>
        {
            // SAFETY: rows of ranks are only made for forests of so many columns.
            Some(unsafe { complete::walk(way, slices, (*heap, *bits), ranks) })
        }
        _ => None,
    }
}

#[inline(never)]
fn walk_trees<X: Feature, T: Sum>(layout: &Layout<X, T>, roots: &[Root], row: &[X], out: &mut [T]) {
    walk::trees(layout, roots, row, out);
}
