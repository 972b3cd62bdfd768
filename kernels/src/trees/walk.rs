//! Rows that walk through the trees, several trees or several rows at a time, so that the loads of one hide behind those
//! of the others.

use super::layout::{FEATURE, IS_SET, Layout, MISSING_LEFT, Packed, Root, position};
use super::slices::ABREAST;
use super::{Feature, Sum};

/// Adds every tree's leaf for one row to `out`, in the order of the trees.
pub fn one_row<X: Feature, T: Sum>(layout: &Layout<X, T>, row: &[X], out: &mut [T]) {
    trees(layout, &layout.roots, row, out);
}

/// The same for some of the trees.
pub fn trees<X: Feature, T: Sum>(layout: &Layout<X, T>, roots: &[Root], row: &[X], out: &mut [T]) {
    let missing = row.iter().any(|x| x.is_nan());
    match (missing, layout.sets.is_empty()) {
        (false, true) => trees_abreast::<X, T, false, false>(layout, roots, row, out),
        (true, true) => trees_abreast::<X, T, true, false>(layout, roots, row, out),
        (_, false) => trees_abreast::<X, T, true, true>(layout, roots, row, out),
    }
}

/// The same, one tree after the other.
pub fn one_tree_at_a_time<X: Feature, T: Sum>(layout: &Layout<X, T>, row: &[X], out: &mut [T]) {
    for root in &layout.roots {
        let mut at = root.node;
        for _ in 0..root.depth {
            at = step::<X, T, true, true>(layout, row, at);
        }
        add(layout, root, at, row, out);
    }
}

fn trees_abreast<X: Feature, T: Sum, const MISSING: bool, const SETS: bool>(
    layout: &Layout<X, T>,
    roots: &[Root],
    row: &[X],
    out: &mut [T],
) {
    let mut groups = roots.chunks_exact(ABREAST);
    for group in &mut groups {
        let mut at: [u32; ABREAST] = std::array::from_fn(|tree| group[tree].node);
        let depth = group.iter().map(|root| root.depth).max().unwrap_or(0);
        for _ in 0..depth {
            for at in &mut at {
                *at = step::<X, T, MISSING, SETS>(layout, row, *at);
            }
        }
        if let ([sum], true) = (&mut *out, layout.linear.is_empty()) {
            // One sum stays in a register from tree to tree.
            let mut total = *sum;
            for at in at {
                // SAFETY: a walk ends at a leaf of the layout, and its values lie inside.
                total += unsafe {
                    let leaf = layout.nodes.get_unchecked(at as usize);
                    *layout.values.get_unchecked(leaf.values as usize)
                };
            }
            *sum = total;
        } else {
            for (root, at) in group.iter().zip(at) {
                add(layout, root, at, row, out);
            }
        }
    }
    for root in groups.remainder() {
        let mut at = root.node;
        for _ in 0..root.depth {
            at = step::<X, T, MISSING, SETS>(layout, row, at);
        }
        add(layout, root, at, row, out);
    }
}

/// Adds one tree's leaves for several rows.
pub fn one_tree<X: Feature, T: Sum>(
    layout: &Layout<X, T>,
    root: &Root,
    rows: Rows<'_, X>,
    out: &mut [T],
    outputs: usize,
) {
    let Rows { values, features } = rows;
    let mut out = out.chunks_exact_mut(outputs);
    for group in values.chunks(features * ABREAST) {
        let mut at = [root.node; ABREAST];
        for _ in 0..root.depth {
            for (at, row) in at.iter_mut().zip(group.chunks_exact(features)) {
                *at = step::<X, T, true, true>(layout, row, *at);
            }
        }
        for ((at, row), out) in at.iter().zip(group.chunks_exact(features)).zip(&mut out) {
            add(layout, root, *at, row, out);
        }
    }
}

/// Rows in row-major order.
#[derive(Clone, Copy)]
pub struct Rows<'a, X> {
    /// All of them.
    pub values: &'a [X],
    /// Columns.
    pub features: usize,
}

impl<X: Feature> Rows<'_, X> {
    /// Copies one feature of the rows to the front of `values`.
    #[inline(always)]
    pub fn column(&self, feature: usize, values: &mut [X]) {
        for (value, row) in values.iter_mut().zip(self.values.chunks_exact(self.features)) {
            *value = row[feature];
        }
    }
}

/// One step down. At a leaf it stays.
#[inline(always)]
fn step<X: Feature, T, const MISSING: bool, const SETS: bool>(layout: &Layout<X, T>, row: &[X], at: u32) -> u32 {
    // SAFETY: `at` is a root or a child, and the layout holds all of those; every node's feature is below the row's length.
    // Both were checked when the forest was put together.
    let (node, x): (&Packed<X>, X) = unsafe {
        let node = layout.nodes.get_unchecked(at as usize);
        (node, *row.get_unchecked((node.feature & FEATURE) as usize))
    };
    #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN goes right unless the node says otherwise
    let mut right = !(x <= node.threshold);
    if SETS && node.feature & IS_SET != 0 {
        right = !is_in(&layout.sets[node.values as usize], x);
    }
    if MISSING {
        let missing_left = node.feature & MISSING_LEFT != 0;
        right &= !(x.is_nan() & missing_left);
        if SETS && x.is_nan() {
            right = !missing_left;
        }
    }
    node.left + u32::from(right)
}

/// Whether a number, cut to a whole one, is in a set.
pub fn is_in(set: &[u32], x: impl Feature) -> bool {
    x.category().is_some_and(|category| set.get(category / 32).is_some_and(|word| word >> (category % 32) & 1 == 1))
}

#[inline(always)]
fn add<X: Feature, T: Sum>(layout: &Layout<X, T>, root: &Root, leaf: u32, row: &[X], out: &mut [T]) {
    // SAFETY: a walk ends at a node of the layout.
    let first = unsafe { layout.nodes.get_unchecked(leaf as usize) }.values as usize;
    let width = root.width as usize;
    if width == 1 && layout.linear.is_empty() {
        // SAFETY: a leaf's values lie inside, and a tree's output is one of the forest's.
        unsafe { *out.get_unchecked_mut(root.output as usize) += *layout.values.get_unchecked(first) };
        return;
    }
    let values = &layout.values[first..][..width];
    let out = &mut out[root.output as usize..][..width];
    if let Some(linear) = layout.linear_of(position(first)) {
        let present = linear.terms.iter().all(|(feature, _)| !row[*feature].is_nan());
        let mut value = if present { values[0] } else { linear.without };
        if present {
            for (feature, coefficient) in &linear.terms {
                value += coefficient.times(row[*feature]);
            }
        }
        out[0] += value;
        add_all(&mut out[1..], &values[1..]);
    } else {
        add_all(out, values);
    }
}

/// Adds one value to each output.
#[inline(always)]
pub fn add_all<T: Sum>(out: &mut [T], values: &[T]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += *value;
    }
}
