//! How a forest lies in memory.

use super::slices::{ABREAST, SliceSplit, Slices};
use super::{Feature, Leaf, Linear, Node, Split, Sum, Test, Tree};
use std::collections::VecDeque;
use std::ops::Range;

/// The size of a group of trees: it stays in the cache of a core while blocks of rows go by.
const GROUP_BYTES: usize = 1 << 19;

/// A node as rows walk over it, siblings side by side: 16 bytes for features of 32 bits.
#[derive(Debug, Clone, Copy)]
pub struct Packed<X> {
    /// `x <= threshold` goes left.
    pub threshold: X,
    /// The feature, with the flags below.
    pub feature: u32,
    /// The left child; the right one is next. A leaf leads to itself.
    pub left: u32,
    /// Of a leaf, where its values begin in [`Layout::values`]; of a set, its position in [`Layout::sets`].
    pub values: u32,
}

/// Flag of [`Packed::feature`]: a missing value goes left.
pub const MISSING_LEFT: u32 = 1 << 31;
/// Flag of [`Packed::feature`]: the test is a set's.
pub const IS_SET: u32 = 1 << 30;
/// The feature alone.
pub const FEATURE: u32 = IS_SET - 1;

/// Where a tree begins, and what it adds to.
#[derive(Debug, Clone, Copy)]
pub struct Root {
    /// The root's position in [`Layout::nodes`].
    pub node: u32,
    /// The most splits on a way to a leaf.
    pub depth: u32,
    /// The output of a leaf's first value.
    pub output: u32,
    /// Values of a leaf.
    pub width: u32,
}

/// A forest as rows walk through it, and as blocks of rows are compared with it.
#[derive(Debug)]
pub struct Layout<X, T> {
    /// Columns of a row.
    pub features: usize,
    /// Values of a prediction.
    pub outputs: usize,
    pub nodes: Vec<Packed<X>>,
    pub roots: Vec<Root>,
    pub sets: Vec<Box<[u32]>>,
    pub values: Vec<T>,
    /// Leaves that are linear, by where their values begin.
    pub linear: Vec<(u32, Linear<T>)>,
    pub slices: Slices<X, T>,
    /// The trees in order, in groups that fit the cache.
    pub groups: Vec<Range<usize>>,
}

impl<X: Feature, T: Sum> Layout<X, T> {
    const EMPTY: Packed<X> = Packed { threshold: X::INFINITY, feature: 0, left: 0, values: 0 };

    /// Lays out trees that have been checked.
    pub fn new(features: usize, outputs: usize, trees: &[Tree<X, T>]) -> Self {
        let mut layout = Self {
            features,
            outputs,
            nodes: Vec::with_capacity(trees.iter().map(|tree| tree.nodes.len()).sum()),
            roots: Vec::with_capacity(trees.len()),
            sets: Vec::new(),
            values: Vec::new(),
            linear: Vec::new(),
            slices: Slices::new(features, trees),
            groups: Vec::new(),
        };
        for tree in trees {
            layout.lay(tree);
        }
        layout.group(trees);
        layout
    }

    /// Groups the trees by their size in memory. Trees that are taken together stay together.
    fn group(&mut self, trees: &[Tree<X, T>]) {
        let (mut first, mut bytes) = (0, 0);
        for (index, (tree, slice)) in trees.iter().zip(&self.slices.trees).enumerate() {
            let size = match slice {
                Some(slice) => {
                    slice.splits.len() * size_of::<SliceSplit>() + ((size_of::<T>() * tree.width()) << slice.bits)
                }
                None => tree.nodes.len() * size_of::<Packed<X>>(),
            };
            if bytes + size > GROUP_BYTES && first < index && index % ABREAST == 0 {
                self.groups.push(first..index);
                (first, bytes) = (index, 0);
            }
            bytes += size;
        }
        self.groups.push(first..trees.len());
    }

    /// Lays out a tree breadth first, so that siblings are side by side and the first levels share cache lines.
    fn lay(&mut self, tree: &Tree<X, T>) {
        let root = position(self.nodes.len());
        let width = tree.width();
        self.nodes.push(Self::EMPTY);
        let mut waiting = VecDeque::from([(0usize, root, 0u32)]);
        let mut deepest = 0;
        while let Some((node, place, depth)) = waiting.pop_front() {
            deepest = deepest.max(depth);
            match &tree.nodes[node] {
                Node::Leaf(leaf) => self.lay_leaf(leaf, place, width),
                Node::Split(split) => {
                    let left = position(self.nodes.len());
                    self.nodes.extend([Self::EMPTY; 2]);
                    self.lay_split(split, place, left);
                    waiting.push_back((split.left, left, depth + 1));
                    waiting.push_back((split.right, left + 1, depth + 1));
                }
            }
        }
        self.roots.push(Root { node: root, depth: deepest, output: position(tree.output), width: position(width) });
    }

    fn lay_leaf(&mut self, leaf: &Leaf<T>, place: u32, width: usize) {
        let values = position(self.values.len());
        self.values.extend_from_slice(&leaf.values);
        self.values.resize(values as usize + width, T::default());
        if let Some(linear) = &leaf.linear {
            self.linear.push((values, linear.clone()));
        }
        // Every row goes left here, and left is here.
        self.nodes[place as usize] = Packed { threshold: X::INFINITY, feature: MISSING_LEFT, left: place, values };
    }

    fn lay_split(&mut self, split: &Split<X>, place: u32, left: u32) {
        let missing = if split.missing_left { MISSING_LEFT } else { 0 };
        let (threshold, values, kind) = match &split.test {
            Test::AtMost(threshold) => (*threshold, 0, 0),
            Test::In(set) => {
                self.sets.push(set.clone().into_boxed_slice());
                (X::INFINITY, position(self.sets.len() - 1), IS_SET)
            }
        };
        let feature = position(split.feature) | missing | kind;
        self.nodes[place as usize] = Packed { threshold, feature, left, values };
    }

    /// The linear function of the leaf whose values begin at `values`.
    pub fn linear_of(&self, values: u32) -> Option<&Linear<T>> {
        self.linear.binary_search_by_key(&values, |(at, _)| *at).ok().map(|found| &self.linear[found].1)
    }
}

/// A position that was checked to fit when the forest was put together.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub fn position(index: usize) -> u32 {
    debug_assert!(u32::try_from(index).is_ok());
    index as u32
}
