//! From an ensemble to the trees that the kernels walk.

use super::ensemble::{Branch, Ensemble, Mode, Node, Tree};
use super::number::Number;
use servoir_kernels::trees::{Feature, Forest, Leaf, Node as Grown, Split, Test, Tree as GrownTree};
use std::collections::BTreeMap;

/// The largest number that `BRANCH_EQ` and `BRANCH_NEQ` compare with: it becomes a set, of a bit for each number below it.
const MEMBER_MAX: f64 = 65_535.0;

/// The most words of 32 bits that all sets take together.
const SET_WORDS_MAX: usize = 1 << 24;

/// The most values of leaves that are filled up with zeros, because the leaves of a tree are for different targets.
const FILLED_VALUES_MAX: usize = 1 << 26;

/// A forest, and the columns that it needs beside the matrix.
pub struct Planted<N> {
    /// The trees, their sums beginning at zero.
    pub forest: Forest<N, N>,
    /// Features that are looked up in sets. The column of `whole[i]` is `columns + i`, and holds [`whole`] of the feature.
    pub whole: Vec<usize>,
}

/// What is looked up in sets in place of `x`: itself when it is a whole number, none of their members when it is not.
pub fn whole<N: Feature>(x: N, none: N) -> N {
    let number = x.to_f64();
    if number.fract() == 0.0 || number.is_nan() { x } else { none }
}

/// Plants an ensemble over a matrix of `columns`, with a sum for each of `outputs` targets from `first` on.
pub fn plant<N: Number>(
    ensemble: &Ensemble,
    columns: usize,
    outputs: std::ops::Range<usize>,
) -> Result<Planted<N>, String> {
    let mut nursery = Nursery { columns, whole: BTreeMap::new(), set_words: 0, filled: 0, first: outputs.start };
    for branch in ensemble.trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
        Node::Branch(branch) if matches!(branch.mode, Mode::Equal(_) | Mode::NotEqual(_)) => Some(branch),
        _ => None,
    }) {
        if branch.feature >= columns {
            return Err(format!("feature {} does not exist; there are {columns} columns", branch.feature));
        }
        nursery.whole.insert(branch.feature, 0);
    }
    for (column, place) in nursery.whole.values_mut().enumerate() {
        *place = columns + column;
    }
    let trees = ensemble.trees.iter().map(|tree| nursery.tree(tree)).collect::<Result<Vec<_>, _>>()?;
    let base = vec![N::default(); outputs.len()];
    let width = columns + nursery.whole.len();
    let forest = Forest::new(width, base, &trees).map_err(|error| error.to_string())?;
    Ok(Planted { forest, whole: nursery.whole.into_keys().collect() })
}

struct Nursery {
    columns: usize,
    /// The column of each feature that is looked up in sets.
    whole: BTreeMap<usize, usize>,
    set_words: usize,
    filled: usize,
    /// The target of the first output.
    first: usize,
}

impl Nursery {
    fn tree<N: Number>(&mut self, tree: &Tree) -> Result<GrownTree<N, N>, String> {
        let leaves =
            || tree.nodes.iter().filter_map(|node| if let Node::Leaf(leaf) = node { Some(leaf) } else { None });
        let targets = || leaves().flat_map(|leaf| leaf.iter().map(|(target, _)| *target));
        let (Some(first), Some(last)) = (targets().min(), targets().max()) else {
            return Err("a tree has no leaves: its nodes go round in a circle".into());
        };
        let width = last - first + 1;
        let listed: usize = leaves().map(Vec::len).sum();
        self.filled = self.filled.saturating_add(leaves().count().saturating_mul(width) - listed);
        if self.filled > FILLED_VALUES_MAX {
            return Err("its leaves are for so many different targets that they take too much memory".into());
        }
        let grow = |node: &Node| match node {
            Node::Branch(branch) => self.split(branch).map(Grown::Split),
            Node::Leaf(leaf) => {
                let mut values = vec![N::default(); width];
                for &(target, weight) in leaf {
                    values[target - first] = N::of_f64(weight);
                }
                if !values.iter().all(|&value| servoir_kernels::trees::Sum::is_finite(value)) {
                    return Err("a leaf's weight is no finite number".into());
                }
                Ok(Grown::Leaf(Leaf { values, linear: None }))
            }
        };
        let nodes = tree.nodes.iter().map(grow).collect::<Result<_, _>>()?;
        Ok(GrownTree { nodes, output: first - self.first })
    }

    fn split<N: Number>(&mut self, branch: &Branch) -> Result<Split<N>, String> {
        let &Branch { feature, missing_is_true, when_true, when_false, .. } = branch;
        // `x > v` is `x <= v` with its ends swapped, and so are the others of a pair. NaN passes no test but `!=`.
        let (test, is_swapped) = match &branch.mode {
            Mode::AtMost(value) => (Test::AtMost(threshold(*value)?), false),
            Mode::Less(value) => (Test::less_than(threshold(*value)?), false),
            Mode::Greater(value) => (Test::AtMost(threshold(*value)?), true),
            Mode::AtLeast(value) => (Test::less_than(threshold(*value)?), true),
            Mode::Equal(value) => (Test::In(self.set(*value)?), false),
            Mode::NotEqual(value) => (Test::In(self.set(*value)?), true),
        };
        let is_set = matches!(test, Test::In(_));
        let nan_is_true = missing_is_true || matches!(branch.mode, Mode::NotEqual(_));
        let feature = if is_set { self.whole[&feature] } else { feature };
        if !is_set && feature >= self.columns {
            return Err(format!("feature {feature} does not exist; there are {} columns", self.columns));
        }
        let (left, right) = if is_swapped { (when_false, when_true) } else { (when_true, when_false) };
        Ok(Split { feature, test, missing_left: nan_is_true != is_swapped, left, right })
    }

    /// The set of one number.
    fn set(&mut self, member: f64) -> Result<Vec<u32>, String> {
        if !(0.0..=MEMBER_MAX).contains(&member) || member.fract() != 0.0 {
            return Err(format!("a branch compares with {member}; whole numbers up to {MEMBER_MAX} are computed here"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // its range was looked at
        let member = member as usize;
        let mut words = vec![0; member / 32 + 1];
        words[member / 32] = 1 << (member % 32);
        self.set_words = self.set_words.saturating_add(words.len());
        if self.set_words > SET_WORDS_MAX {
            return Err("its sets take too much memory together".into());
        }
        Ok(words)
    }
}

fn threshold<N: Number>(value: f64) -> Result<N, String> {
    if value.is_nan() { Err("a branch compares with NaN".into()) } else { Ok(N::of_f64(value)) }
}
