//! Trees of up to eight levels, taken as complete: where a way ends early, the places below it hold its leaf many times.

use super::blocks::{Left, ROWS};
use super::lanes::Lanes;
use super::places::{Place, Places};
use super::slices::{ABREAST, BITS_MAX, Shape, Slice, SliceSplit, Slices};
use super::{Feature, Node, Sum, Tree};

/// Adds a tree's splits and leaves to the slices.
pub fn slice<X: Feature, T: Sum>(slices: &mut Slices<X, T>, tree: &Tree<X, T>, bits: u32, places: &Places<X>) -> Slice {
    let mut splits = Vec::with_capacity(tree.nodes.len() / 2);
    let heap = slices.heaps.len();
    slices.heaps.resize(heap + (1 << bits), Place::default());
    let width = tree.width();
    let table = slices.make_table(bits, width);
    // The turns on the way to a node are the bits of its turns, the first the highest; left is 1.
    let mut waiting = vec![(0usize, 0usize, 0u32)];
    while let Some((node, turns, depth)) = waiting.pop() {
        let below = bits - depth;
        match &tree.nodes[node] {
            Node::Split(split) => {
                let place = places.of(split);
                slices.heaps[heap + (1 << depth) + turns] = place;
                // In the order in which a complete tree is read from right to left, a subtree's own split is in its middle.
                let slot = (turns << below) + (1 << (below - 1)) - 1;
                splits.push((slot, SliceSplit::from(place)));
                waiting.extend([(split.right, turns << 1, depth + 1), (split.left, turns << 1 | 1, depth + 1)]);
            }
            Node::Leaf(leaf) => {
                for number in turns << below..(turns + 1) << below {
                    slices.table[table + number * width..][..leaf.values.len()].copy_from_slice(&leaf.values);
                }
            }
        }
    }
    splits.sort_unstable_by_key(|(slot, _)| *slot);
    let slots = (splits.len() + 1 < 1 << bits).then_some(slices.slots.len());
    if slots.is_some() {
        #[allow(clippy::cast_possible_truncation)] // at most 254
        slices.slots.extend(splits.iter().map(|(slot, _)| *slot as u16));
    }
    let first = slices.splits.len();
    slices.splits.extend(splits.into_iter().map(|(_, split)| split));
    Slice { splits: first..slices.splits.len(), shape: Shape::Complete { heap, slots }, bits, table }
}

/// The numbers of the leaves that a block's rows reach, from the words that say which rows go left. The root's words are the
/// highest bits of the numbers. They choose for each row one of the root's subtrees, place by place; that leaves trees of
/// half the size, whose roots give the next bits.
#[inline(always)]
pub fn numbers(lanes: impl Lanes, left: &mut Left, bits: u32) -> [[u8; ROWS]; ABREAST] {
    match bits {
        0 => [[0; ROWS]; ABREAST],
        1 => fold::<1>(lanes, left),
        2 => fold::<2>(lanes, left),
        3 => fold::<3>(lanes, left),
        4 => fold::<4>(lanes, left),
        5 => fold::<5>(lanes, left),
        6 => fold::<6>(lanes, left),
        7 => fold::<7>(lanes, left),
        _ => fold::<BITS_MAX>(lanes, left),
    }
}

#[inline(always)]
fn fold<const BITS: usize>(lanes: impl Lanes, left: &mut Left) -> [[u8; ROWS]; ABREAST] {
    let mut planes = [[0; ABREAST]; BITS];
    for (bit, plane) in planes.iter_mut().enumerate().rev() {
        let half = 1 << bit;
        let (right_trees, left_trees) = left[..2 * half].split_at_mut(half);
        *plane = right_trees[half - 1];
        for (right, left) in right_trees.iter_mut().zip(left_trees) {
            lanes.choose(plane, left, right);
        }
    }
    let mut numbers = [[0; ROWS]; ABREAST];
    for (tree, numbers) in numbers.iter_mut().enumerate() {
        let mut own = [0; BITS];
        for (own, plane) in own.iter_mut().zip(&planes) {
            *own = plane[tree];
        }
        *numbers = lanes.numbers(&own);
    }
    numbers
}

/// How a row of ranks walks through trees abreast.
pub trait Walk: Copy {
    /// The numbers of the leaves that a row reaches in trees of `BITS` levels whose heaps lie side by side from `heap` on.
    ///
    /// # Safety
    /// There must be a rank for every column.
    unsafe fn walk<X, T, const BITS: usize>(self, slices: &Slices<X, T>, heap: usize, ranks: &[u8])
    -> [usize; ABREAST];
}

/// Walks through trees of so many levels.
///
/// # Safety
/// As [`Walk::walk`].
#[inline(always)]
pub unsafe fn walk<X, T>(
    way: impl Walk,
    slices: &Slices<X, T>,
    (heap, bits): (usize, u32),
    ranks: &[u8],
) -> [usize; ABREAST] {
    // SAFETY: the caller knows it.
    unsafe {
        match bits {
            0 => [0; ABREAST],
            1 => way.walk::<X, T, 1>(slices, heap, ranks),
            2 => way.walk::<X, T, 2>(slices, heap, ranks),
            3 => way.walk::<X, T, 3>(slices, heap, ranks),
            4 => way.walk::<X, T, 4>(slices, heap, ranks),
            5 => way.walk::<X, T, 5>(slices, heap, ranks),
            6 => way.walk::<X, T, 6>(slices, heap, ranks),
            7 => way.walk::<X, T, 7>(slices, heap, ranks),
            _ => way.walk::<X, T, BITS_MAX>(slices, heap, ranks),
        }
    }
}

/// Step by step, with the language itself.
#[derive(Clone, Copy)]
pub struct Steps;

impl Walk for Steps {
    #[inline(always)]
    unsafe fn walk<X, T, const BITS: usize>(
        self,
        slices: &Slices<X, T>,
        heap: usize,
        ranks: &[u8],
    ) -> [usize; ABREAST] {
        let heaps = &slices.heaps[heap..][..ABREAST << BITS];
        let mut at = [1; ABREAST];
        for _ in 0..BITS {
            for (tree, at) in at.iter_mut().enumerate() {
                // SAFETY: before the last level is left, `at` is below `2^BITS`, the nodes of a heap; the caller has ranks
                // for all columns.
                let left = unsafe {
                    let node = heaps.get_unchecked((tree << BITS) + *at);
                    *ranks.get_unchecked(usize::from(node.column)) < node.below
                };
                *at = 2 * *at + usize::from(left);
            }
        }
        for at in &mut at {
            *at -= 1 << BITS;
        }
        at
    }
}
