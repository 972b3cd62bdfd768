//! Blocks of rows, tree by tree: a tree is loaded once for all rows of a block.

use super::lanes::Lanes;
use super::layout::Layout;
use super::slices::{ABREAST, LEAVES_MAX, Shape, Slice, SliceSplit, Slices};
use super::sparse::{REACH_MAX, Ways};
use super::walk::{self, Rows};
use super::{Feature, Sum, complete, sparse};
use std::ops::Range;

/// Rows of a block: the bits of a word.
pub const ROWS: usize = 64;
/// The most blocks that a group of trees is applied to before the next group.
const BLOCKS_MAX: usize = 16;
/// The most bytes of ranks that are kept for those blocks, unless one block has more.
const RANKS_BYTES: usize = 1 << 18;

/// Adds every tree's leaves for many rows to `out`, in the order of the trees.
#[inline(always)]
pub fn run<X: Feature, T: Sum>(lanes: impl Lanes, layout: &Layout<X, T>, rows: &[X], out: &mut [T]) {
    let Layout { features, outputs, .. } = *layout;
    // Without columns there is nothing to rank, and one column more does no harm.
    let columns = layout.slices.columns.count.max(1);
    let blocks = (RANKS_BYTES / (ROWS * columns)).clamp(1, BLOCKS_MAX).min(rows.len().div_ceil(features * ROWS));
    let mut ranks = vec![[0; ROWS]; columns * blocks];
    for (rows, out) in rows.chunks(features * ROWS * blocks).zip(out.chunks_mut(outputs * ROWS * blocks)) {
        let rows = || rows.chunks(features * ROWS).map(|values| Rows { values, features });
        for (rows, ranks) in rows().zip(ranks.chunks_exact_mut(columns)) {
            layout.slices.columns.rank_block(lanes, rows, ranks);
        }
        for group in &layout.groups {
            for ((rows, ranks), out) in rows().zip(ranks.chunks_exact(columns)).zip(out.chunks_mut(outputs * ROWS)) {
                add_group(lanes, layout, group.clone(), &Block { rows, ranks }, out);
            }
        }
    }
}

/// Up to 64 rows.
struct Block<'a, X> {
    rows: Rows<'a, X>,
    /// The rows' ranks, a column each.
    ranks: &'a [[u8; ROWS]],
}

/// Adds the leaves of a group of trees for one block.
#[inline(always)]
fn add_group<X: Feature, T: Sum>(
    lanes: impl Lanes,
    layout: &Layout<X, T>,
    group: Range<usize>,
    block: &Block<'_, X>,
    out: &mut [T],
) {
    let Layout { outputs, slices, .. } = layout;
    // With one output the sums of a whole block lie side by side, whether its rows are there or not.
    let mut sums = [T::default(); ROWS];
    let single = *outputs == 1;
    if single {
        sums[..out.len()].copy_from_slice(out);
    }
    let mut words = Words { left: [[0; ABREAST]; LEAVES_MAX], reach: [0; REACH_MAX] };
    for (roots, trees) in layout.roots[group.clone()].chunks(ABREAST).zip(slices.trees[group].chunks(ABREAST)) {
        let numbers = leaf_numbers(lanes, slices, trees, block.ranks, &mut words);
        for ((root, slice), numbers) in roots.iter().zip(trees).zip(&numbers) {
            let Some(slice) = slice else {
                let out = if single { &mut sums[..out.len()] } else { &mut *out };
                walk::one_tree(layout, root, block.rows, out, *outputs);
                continue;
            };
            let width = root.width as usize;
            let table = &slices.table[slice.table..][..width << slice.bits];
            if single {
                // SAFETY: the numbers have as many bits as the table has room for.
                unsafe { lanes.add(table, numbers, &mut sums) };
            } else {
                for (out, number) in out.chunks_exact_mut(*outputs).zip(numbers) {
                    let values = &table[usize::from(*number) * width..][..width];
                    walk::add_all(&mut out[root.output as usize..], values);
                }
            }
        }
    }
    if single {
        out.copy_from_slice(&sums[..out.len()]);
    }
}

/// What is known of a block's rows, a bit for each row.
struct Words {
    left: Left,
    /// By slot of a node, the rows that reach it.
    reach: [u64; REACH_MAX],
}

/// By slot of a split and by tree, the rows that go left there. Trees lie side by side, so that what is done with their
/// words is done for all of them at once.
pub type Left = [[u64; ABREAST]; LEAVES_MAX];

/// The numbers of the leaves that a block's rows reach in trees that are taken together.
#[inline(always)]
fn leaf_numbers<X, T>(
    lanes: impl Lanes,
    slices: &Slices<X, T>,
    trees: &[Option<Slice>],
    ranks: &[[u8; ROWS]],
    Words { left, reach }: &mut Words,
) -> [[u8; ROWS]; ABREAST] {
    let mut numbers = [[0; ROWS]; ABREAST];
    let mut bits = None;
    for (tree, slice) in trees.iter().enumerate() {
        let Some(slice) = slice else { continue };
        let splits = &slices.splits[slice.splits.clone()];
        if let Shape::Complete { slots: Some(slots), .. } = slice.shape {
            for (split, slot) in splits.iter().zip(&slices.slots[slots..]) {
                left[usize::from(*slot) % LEAVES_MAX][tree] = goes_left(lanes, ranks, split);
            }
        } else {
            for (split, left) in splits.iter().zip(left.iter_mut()) {
                left[tree] = goes_left(lanes, ranks, split);
            }
        }
        match &slice.shape {
            Shape::Complete { .. } => bits = Some(slice.bits),
            Shape::Sparse { entries, planes, plane_ends } => {
                let entries = &slices.entries[*entries..][..splits.len()];
                let ways = Ways { entries, plane_slots: &slices.plane_slots[*planes..], plane_ends };
                numbers[tree] = sparse::numbers(lanes, left.iter().map(|trees| trees[tree]), &ways, reach);
            }
        }
    }
    if let Some(bits) = bits {
        for ((slice, numbers), folded) in trees.iter().zip(&mut numbers).zip(complete::numbers(lanes, left, bits)) {
            if let Some(Slice { shape: Shape::Complete { .. }, .. }) = slice {
                *numbers = folded;
            }
        }
    }
    numbers
}

/// The rows that go left at a split.
#[inline(always)]
fn goes_left(lanes: impl Lanes, ranks: &[[u8; ROWS]], split: &SliceSplit) -> u64 {
    // SAFETY: a split's column is one of those that the block has ranks for.
    lanes.at_most(unsafe { &*ranks.as_ptr().byte_add(split.ranks as usize) }, split.most)
}
