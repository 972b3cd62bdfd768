//! Trees as the parallel lists of `TreeEnsembleClassifier` and `TreeEnsembleRegressor`.

use super::graph::{floats, ints, texts};
use super::proto::Attribute;
use crate::train::model::{Sums, Trees};
use hessboost::tree::RegTree;

/// The lists of all nodes of all trees.
#[derive(Default)]
struct Lists {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    values: Vec<f32>,
    modes: Vec<&'static str>,
    when_true: Vec<i64>,
    when_false: Vec<i64>,
    missing_is_true: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_nodes: Vec<i64>,
    leaf_targets: Vec<i64>,
    leaf_weights: Vec<f32>,
}

/// The attributes that say the trees, their weights under names that begin with `prefix`, and the base values.
pub fn attributes(trees: &Trees, prefix: &str) -> Vec<Attribute> {
    let mut lists = Lists::default();
    let outputs = trees.booster.tree_outputs();
    for (tree, (nodes, outputs)) in trees.booster.trees().iter().zip(outputs).enumerate() {
        lists.add(tree, nodes, outputs.start, trees.sums);
    }
    // What is missing is an answer, too, even where no node sends it left: readers look for one that does.
    if let Some(leaf) = lists.modes.iter().position(|&mode| mode == "LEAF") {
        lists.missing_is_true[leaf] = 1;
    }
    let mut base = trees.booster.base_scores().to_vec();
    if trees.sums == Sums::Logit {
        lists.make_one_negative(&mut base);
    }
    let named = |name: &str| format!("{prefix}_{name}");
    let mut attributes = vec![
        ints("nodes_treeids", lists.trees),
        ints("nodes_nodeids", lists.nodes),
        ints("nodes_featureids", lists.features),
        texts("nodes_modes", lists.modes),
        floats("nodes_values", lists.values),
        ints("nodes_truenodeids", lists.when_true),
        ints("nodes_falsenodeids", lists.when_false),
        ints("nodes_missing_value_tracks_true", lists.missing_is_true),
        ints(&named("treeids"), lists.leaf_trees),
        ints(&named("nodeids"), lists.leaf_nodes),
        ints(&named("ids"), lists.leaf_targets),
        floats(&named("weights"), lists.leaf_weights),
    ];
    if base.iter().any(|&base| base != 0.0) {
        attributes.push(floats("base_values", base));
    }
    attributes
}

impl Lists {
    fn add(&mut self, tree: usize, nodes: &RegTree, output: usize, sums: Sums) {
        let tree = integer(tree);
        for (at, node) in nodes.nodes().iter().enumerate() {
            let is_leaf = node.is_leaf();
            self.trees.push(tree);
            self.nodes.push(integer(at));
            self.features.push(if is_leaf { 0 } else { node.split_feature.into() });
            self.values.push(if is_leaf { 0.0 } else { node.split_cond });
            self.modes.push(if is_leaf { "LEAF" } else { "BRANCH_LT" });
            self.when_true.push(node.left.max(0).into());
            self.when_false.push(node.right.max(0).into());
            self.missing_is_true.push(i64::from(!is_leaf && node.default_left));
            if !is_leaf {
                continue;
            }
            if nodes.is_vector_leaf() {
                let shares = nodes.leaf_vector(at).iter().enumerate();
                // Where some class has a share, the others need not be told that they have none.
                for (class, &share) in shares.filter(|(_, share)| **share > 0.0) {
                    self.weigh(tree, at, class, share);
                }
            } else {
                // Readers agree about two classes only where all weights are for the first.
                self.weigh(tree, at, if sums == Sums::Logits { output } else { 0 }, node.leaf_value);
            }
        }
    }

    fn weigh(&mut self, tree: i64, node: usize, target: usize, weight: f32) {
        self.leaf_trees.push(tree);
        self.leaf_nodes.push(integer(node));
        self.leaf_targets.push(integer(target));
        self.leaf_weights.push(weight);
    }

    /// Where no weight is negative, readers take the sum for a probability and ask whether it is above one half. So the
    /// first tree gives less, and the base as much more.
    fn make_one_negative(&mut self, base: &mut [f32]) {
        if self.leaf_weights.iter().any(|&weight| weight < 0.0) {
            return;
        }
        let first = self.leaf_trees.iter().take_while(|&&tree| tree == 0).count();
        let moved = 1.0 + self.leaf_weights[..first].iter().copied().fold(0.0, f32::max);
        self.leaf_weights[..first].iter_mut().for_each(|weight| *weight -= moved);
        base.iter_mut().for_each(|base| *base += moved);
    }
}

fn integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
