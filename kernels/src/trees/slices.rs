//! Trees as blocks of rows, and rows of ranks, are compared with them.
//!
//! A block's rows are the bits of words: one word for each split says which rows go left. From these words the numbers of
//! the leaves that the rows reach are put together bit by bit, each bit again a word, a plane: see [`super::complete`] and
//! [`super::sparse`]. No row has a way of its own, so nothing depends on what the rows hold.
//!
//! QuickScorer (Lucchese and others, 2015) and RapidScorer (Ye and others, 2018) keep a word for each row whose bits are
//! leaves, and clear in it what each failed test rules out; RapidScorer also compares ranks of one byte, many rows at once.
//! Here the words lie the other way, a bit for each row: a split costs one comparison and one store for 64 rows, and what
//! follows is a few operations on whole words for each tree.

use super::blocks::ROWS;
use super::columns::Columns;
use super::layout::position;
use super::places::{Place, Places};
use super::{Feature, Leaf, Node, Sum, Tree, complete, sparse};
use std::ops::Range;

/// The most leaves of a tree: their numbers take one byte.
pub const LEAVES_MAX: usize = 256;
/// Trees that a row of ranks walks through side by side.
pub const ABREAST: usize = 8;
/// How many times as many values as leaves have the tables of complete trees may have.
const TABLE_TIMES_MAX: usize = 16;
/// So many values the tables may have in any case.
const TABLE_MIN: usize = 1 << 16;
/// The most columns that bytes number.
pub const BYTE_COLUMNS_MAX: usize = 256;
/// Bits of a leaf's number.
pub const BITS_MAX: usize = 8;

/// The trees that are small enough, and the columns that they compare.
#[derive(Debug)]
pub struct Slices<X, T> {
    pub columns: Columns<X>,
    /// For each tree of the forest its slice, when it has one.
    pub trees: Vec<Option<Slice>>,
    /// The splits of all slices.
    pub splits: Vec<SliceSplit>,
    /// The nodes of complete trees, each tree's root at 1 and the children of `i` at `2 i` and `2 i + 1`, the left one.
    pub heaps: Vec<Place>,
    /// The same as bytes, when there are no more columns than bytes can number; followed by room for a load of 64.
    pub byte_columns: Vec<u8>,
    pub byte_below: Vec<u8>,
    /// For each split of a tree whose splits are not slot by slot, its slot.
    pub slots: Vec<u16>,
    /// For each split of a sparse tree the slot of the rows that reach it.
    pub entries: Vec<u16>,
    /// Slots whose words make up the planes of sparse trees, plane by plane.
    pub plane_slots: Vec<u16>,
    /// Leaf values by leaf number, from [`Slice::table`] on.
    pub table: Vec<T>,
}

/// One tree.
#[derive(Debug, Clone)]
pub struct Slice {
    /// Its splits in [`Slices::splits`].
    pub splits: Range<usize>,
    pub shape: Shape,
    /// Bits of its leaves' numbers.
    pub bits: u32,
    /// Where its leaf values begin: one for each number of so many bits, as wide as the tree's leaves.
    pub table: usize,
}

/// How a tree's leaves are numbered.
#[derive(Debug, Clone)]
pub enum Shape {
    /// By the turns on the way. The tree has a split in each of `2^bits - 1` places, or acts as if.
    Complete {
        /// Where its heap begins.
        heap: usize,
        /// Where its splits' slots begin, when it lacks splits.
        slots: Option<usize>,
    },
    /// In their order from left to right.
    Sparse {
        /// Where its splits' entries begin.
        entries: usize,
        /// Where its planes' slots begin, and how many there are up to the end of each plane.
        planes: usize,
        plane_ends: [u16; BITS_MAX],
    },
}

/// A split.
#[derive(Debug, Clone, Copy)]
pub struct SliceSplit {
    /// The highest rank that goes left, in all four bytes.
    pub most: u32,
    /// Where the block's ranks of its column begin.
    pub ranks: u32,
}

impl<X: Feature, T: Sum> Slices<X, T> {
    /// Slices what can be sliced, when that is cheaper than walking.
    pub fn new(features: usize, trees: &[Tree<X, T>]) -> Self {
        let mut depths: Vec<Option<u32>> = trees.iter().map(depth_if_sliceable).collect();
        let walk: usize = depths.iter().flatten().map(|depth| *depth as usize).sum();
        let chosen = trees.iter().zip(&depths).filter(|(_, depth)| depth.is_some()).map(|(tree, _)| tree);
        let places = if table_len(trees, &depths) > TABLE_TIMES_MAX * values_len(trees) + TABLE_MIN {
            None
        } else {
            Places::new(features, chosen).filter(|places| places.columns.steps() <= walk)
        };
        if places.is_none() {
            depths.fill(None);
        }
        let mut slices = Self {
            columns: Columns::default(),
            trees: Vec::with_capacity(trees.len()),
            splits: Vec::new(),
            heaps: Vec::new(),
            byte_columns: Vec::new(),
            byte_below: Vec::new(),
            slots: Vec::new(),
            entries: Vec::new(),
            plane_slots: Vec::new(),
            table: Vec::new(),
        };
        let places = places.unwrap_or_default();
        for (trees, depths) in trees.chunks(ABREAST).zip(depths.chunks(ABREAST)) {
            let bits = bits(depths);
            for (tree, depth) in trees.iter().zip(depths) {
                let slice = depth.map(|depth| match is_complete(&depth) {
                    true => complete::slice(&mut slices, tree, bits, &places),
                    false => sparse::slice(&mut slices, tree, &places),
                });
                slices.trees.push(slice);
            }
        }
        slices.columns = places.columns;
        if slices.columns.count <= BYTE_COLUMNS_MAX {
            #[allow(clippy::cast_possible_truncation)] // as was just seen
            let columns = slices.heaps.iter().map(|node| node.column as u8);
            slices.byte_columns = columns.chain([0; 64]).collect();
            slices.byte_below = slices.heaps.iter().map(|node| node.below).chain([0; 64]).collect();
        }
        slices
    }

    /// Makes room for the values of `2^bits` leaves, and says where it begins.
    pub fn make_table(&mut self, bits: u32, width: usize) -> usize {
        let table = self.table.len();
        self.table.resize(table + (width << bits), T::default());
        table
    }
}

impl From<Place> for SliceSplit {
    fn from(place: Place) -> Self {
        let ranks = u32::from(place.column) * position(ROWS);
        Self { most: (u32::from(place.below) - 1) * 0x0101_0101, ranks }
    }
}

fn is_complete(depth: &u32) -> bool {
    *depth <= BITS_MAX as u32
}

/// Trees that are walked through abreast go equally deep: the bits of the complete ones.
fn bits(depths: &[Option<u32>]) -> u32 {
    depths.iter().flatten().copied().filter(is_complete).max().unwrap_or(0)
}

/// Values of the tables of complete trees, were they made.
fn table_len<X, T>(trees: &[Tree<X, T>], depths: &[Option<u32>]) -> usize {
    let abreast = trees.chunks(ABREAST).zip(depths.chunks(ABREAST));
    let lens = abreast.flat_map(|(trees, depths)| {
        let complete = trees.iter().zip(depths).filter(|(_, depth)| depth.as_ref().is_some_and(is_complete));
        complete.map(|(tree, _)| tree.width() << bits(depths))
    });
    lens.sum()
}

fn values_len<X, T>(trees: &[Tree<X, T>]) -> usize {
    trees.iter().flat_map(Tree::leaves).map(|leaf| leaf.values.len()).sum()
}

/// The depth of a tree that has few enough leaves, none of them linear.
fn depth_if_sliceable<X, T>(tree: &Tree<X, T>) -> Option<u32> {
    let leaves = tree.nodes.iter().filter(|node| matches!(node, Node::Leaf(_))).count();
    let linear = tree.nodes.iter().any(|node| matches!(node, Node::Leaf(Leaf { linear: Some(_), .. })));
    if linear || leaves > LEAVES_MAX {
        return None;
    }
    let mut deepest = 0;
    let mut waiting = vec![(0, 0)];
    while let Some((node, depth)) = waiting.pop() {
        deepest = deepest.max(depth);
        if let Node::Split(split) = &tree.nodes[node] {
            waiting.extend([(split.left, depth + 1), (split.right, depth + 1)]);
        }
    }
    Some(deepest)
}
