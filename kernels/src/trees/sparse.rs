//! Trees of more than eight levels but few leaves, such as grow leaf by leaf.

use super::blocks::ROWS;
use super::lanes::Lanes;
use super::places::Places;
use super::slices::{BITS_MAX, LEAVES_MAX, Shape, Slice, Slices};
use super::{Feature, Node, Sum, Tree};
use std::collections::VecDeque;

/// Words that say which rows reach a node: the root's, and two for each split.
pub const REACH_MAX: usize = 2 * LEAVES_MAX;

/// Adds a tree's splits and leaves to the slices.
pub fn slice<X: Feature, T: Sum>(slices: &mut Slices<X, T>, tree: &Tree<X, T>, places: &Places<X>) -> Slice {
    let first_split = slices.splits.len();
    let entries = slices.entries.len();
    // A node's slot is 0 for the root, and `2 i + 1` and `2 i + 2` for the children of split `i`.
    let mut slots = vec![0u16; tree.nodes.len()];
    let mut waiting = VecDeque::from([0]);
    while let Some(node) = waiting.pop_front() {
        let Node::Split(split) = &tree.nodes[node] else { continue };
        let index = slices.splits.len() - first_split;
        slices.splits.push(places.of(split).into());
        slices.entries.push(slots[node]);
        #[allow(clippy::cast_possible_truncation)] // at most 256 leaves
        let left = 2 * index as u16 + 1;
        slots[split.left] = left;
        slots[split.right] = left + 1;
        waiting.extend([split.left, split.right]);
    }
    let order = in_order(tree);
    let leaves: Vec<usize> = order.iter().copied().filter(|node| matches!(tree.nodes[*node], Node::Leaf(_))).collect();
    let bits = leaves.len().next_power_of_two().ilog2();
    let width = tree.width();
    let table = slices.make_table(bits, width);
    let mut number = vec![0; tree.nodes.len()];
    for (index, node) in leaves.iter().enumerate() {
        number[*node] = index;
        if let Node::Leaf(leaf) = &tree.nodes[*node] {
            slices.table[table + index * width..][..leaf.values.len()].copy_from_slice(&leaf.values);
        }
    }
    let planes = slices.plane_slots.len();
    let mut plane_ends = [0; BITS_MAX];
    for (bit, end) in plane_ends.iter_mut().enumerate() {
        let has_bit = |node: usize| number[node] >> bit & 1 == 1;
        slices.plane_slots.extend(cover(tree, &order, has_bit).into_iter().map(|node| slots[node]));
        *end = (slices.plane_slots.len() - planes) as u16;
    }
    let shape = Shape::Sparse { entries, planes, plane_ends };
    Slice { splits: first_split..slices.splits.len(), shape, bits, table }
}

/// Nodes with parents first and left subtrees before right ones.
fn in_order<X, T>(tree: &Tree<X, T>) -> Vec<usize> {
    let mut order = Vec::with_capacity(tree.nodes.len());
    let mut waiting = vec![0];
    while let Some(node) = waiting.pop() {
        order.push(node);
        if let Node::Split(split) = &tree.nodes[node] {
            waiting.extend([split.right, split.left]);
        }
    }
    order
}

/// The fewest nodes whose subtrees have just those leaves that are wanted.
fn cover<X, T>(tree: &Tree<X, T>, order: &[usize], wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    // Children come after their parents, so in reverse every subtree is known before it is asked for.
    let mut whole = vec![false; tree.nodes.len()];
    for node in order.iter().rev() {
        whole[*node] = match &tree.nodes[*node] {
            Node::Split(split) => whole[split.left] && whole[split.right],
            Node::Leaf(_) => wanted(*node),
        };
    }
    let mut nodes = Vec::new();
    let mut waiting = vec![0];
    while let Some(node) = waiting.pop() {
        match &tree.nodes[node] {
            _ if whole[node] => nodes.push(node),
            Node::Split(split) => waiting.extend([split.left, split.right]),
            Node::Leaf(_) => {}
        }
    }
    nodes
}

/// Where a sparse tree's ways lie in the slices.
pub struct Ways<'a> {
    /// For each split the slot of the rows that reach it.
    pub entries: &'a [u16],
    /// The slots whose words make up the planes, one plane after the other.
    pub plane_slots: &'a [u16],
    /// Where each plane ends.
    pub plane_ends: &'a [u16; BITS_MAX],
}

/// The numbers of the leaves that a block's rows reach, from the words that say which rows go left: which rows reach a node
/// follows from which rows reach its parent.
#[inline(always)]
pub fn numbers(
    lanes: impl Lanes,
    left: impl Iterator<Item = u64>,
    ways: &Ways<'_>,
    reach: &mut [u64; REACH_MAX],
) -> [u8; ROWS] {
    reach[0] = u64::MAX;
    for (index, (entry, left)) in ways.entries.iter().zip(left).enumerate().take(LEAVES_MAX - 1) {
        let here = reach[usize::from(*entry) % REACH_MAX];
        reach[2 * index + 1] = here & left;
        reach[2 * index + 2] = here & !left;
    }
    let mut planes = [0; BITS_MAX];
    let mut first = 0;
    for (plane, end) in planes.iter_mut().zip(ways.plane_ends) {
        let slots = &ways.plane_slots[first..usize::from(*end)];
        *plane = slots.iter().fold(0, |word, slot| word | reach[usize::from(*slot) % REACH_MAX]);
        first = usize::from(*end);
    }
    lanes.numbers(&planes)
}
