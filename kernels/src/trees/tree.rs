//! Trees as they are put together.

use super::Feature;

/// One decision tree, its nodes in any order, the root first.
#[derive(Debug, Clone)]
pub struct Tree<X, T> {
    /// The nodes; children are positions in this list.
    pub nodes: Vec<Node<X, T>>,
    /// The output that a leaf's first value is added to.
    pub output: usize,
}

impl<X, T> Tree<X, T> {
    /// The values of its widest leaf.
    pub(super) fn width(&self) -> usize {
        self.leaves().map(|leaf| leaf.values.len()).max().unwrap_or(0)
    }

    /// Its leaves, in the order of its nodes.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Leaf<T>> {
        self.nodes.iter().filter_map(|node| if let Node::Leaf(leaf) = node { Some(leaf) } else { None })
    }
}

/// A node.
#[derive(Debug, Clone)]
pub enum Node<X, T> {
    /// Sends a row on.
    Split(Split<X>),
    /// Ends a row's way.
    Leaf(Leaf<T>),
}

/// A test on one feature, and where it leads.
#[derive(Debug, Clone)]
pub struct Split<X> {
    /// The column that is tested.
    pub feature: usize,
    /// What is tested.
    pub test: Test<X>,
    /// Whether a missing value, NaN, goes left.
    pub missing_left: bool,
    /// Where rows go for which the test holds.
    pub left: usize,
    /// Where the others go.
    pub right: usize,
}

/// What sends a row left.
#[derive(Debug, Clone)]
pub enum Test<X> {
    /// `x <= threshold`. A threshold of NaN holds for nothing.
    AtMost(X),
    /// `x`, cut to a whole number, is a category of the set; bit `c % 32` of word `c / 32` stands for category `c`.
    /// A negative number, or one beyond the set, is in no set.
    In(Vec<u32>),
}

impl<X: Feature> Test<X> {
    /// `x < threshold`, which is `x <=` the next number below.
    pub fn less_than(threshold: X) -> Self {
        Self::AtMost(threshold.below())
    }
}

impl Test<f32> {
    /// `x <= threshold` for a threshold of 64 bits and numbers of 32: the largest number of 32 bits that is not above it.
    pub fn at_most_f64(threshold: f64) -> Self {
        #[allow(clippy::cast_possible_truncation)] // rounded to nearest, and put right below
        let nearest = threshold as f32;
        Self::AtMost(if f64::from(nearest) > threshold { nearest.next_down() } else { nearest })
    }
}

/// What a leaf adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<T> {
    /// Added to the outputs from the tree's own on, one value each.
    pub values: Vec<T>,
    /// Terms `coefficient * x[feature]` added to the first value. When one of those features is missing, `without` is taken
    /// in place of the sum.
    pub linear: Option<Linear<T>>,
}

/// A leaf that is a linear function.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear<T> {
    /// Features with their coefficients.
    pub terms: Vec<(usize, T)>,
    /// The leaf's value for rows that lack one of them.
    pub without: T,
}
