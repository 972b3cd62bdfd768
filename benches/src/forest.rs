//! A forest of churn's size.

use crate::random::Random;
use servoir_kernels::trees::{Leaf, Node, Split, Test, Tree};

/// Trees.
pub const TREES: usize = 300;
/// Splits on the way to a leaf.
pub const DEPTH: u32 = 6;
/// Columns of a row.
pub const FEATURES: usize = 30;
/// Splits of a tree: the nodes before its leaves.
const SPLITS: usize = (1 << DEPTH) - 1;

/// Whole trees with thresholds and leaves by chance.
pub fn trees(random: &mut Random) -> Vec<Tree<f32, f32>> {
    (0..TREES).map(|_| tree(random)).collect()
}

fn tree(random: &mut Random) -> Tree<f32, f32> {
    let node = |position: usize| {
        if position >= SPLITS {
            return Node::Leaf(Leaf { values: vec![random.number() / 10.0], linear: None });
        }
        Node::Split(Split {
            feature: random.below(FEATURES),
            // About as many different thresholds as a histogram of xgboost has; xgboost asks for less than them.
            test: Test::less_than(random.below(250) as f32 / 250.0),
            missing_left: random.below(2) == 0,
            left: 2 * position + 1,
            right: 2 * position + 2,
        })
    };
    Tree { nodes: (0..=2 * SPLITS).map(node).collect(), output: 0 }
}
