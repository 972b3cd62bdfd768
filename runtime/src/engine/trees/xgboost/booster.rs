//! The three boosters: trees, trees that do not count alike, and a linear function.

use super::broken;
use super::document::{Booster, Parts};
use super::tree::{Bounds, SET_WORDS_MAX, tree};
use crate::error::Unsupported;
use servoir_kernels::trees::{Forest, Leaf, Linear, Node, Tree};

/// What a booster computes.
pub enum Boosted {
    /// The leaves of trees.
    Trees(Forest<f32, f32>),
    /// A linear function of the features that are not missing, as trees of one leaf.
    Linear(Forest<f32, f32>),
}

/// Puts a booster together, whose sums begin at `base`, one for each output.
///
/// # Errors
/// What is wrong with it.
pub fn boosted(booster: Booster, features: usize, base: Vec<f32>) -> Result<Boosted, Unsupported> {
    let Booster { name, model, gbtree, weight_drop } = booster;
    let missing = || broken(format!("gradient_booster is named {name} and has no model"));
    match name.as_str() {
        "gbtree" => {
            let parts = model.ok_or_else(missing)?;
            let weights = vec![1.0; parts.trees.len()];
            Ok(Boosted::Trees(trees(parts, &weights, features, base)?))
        }
        "dart" => {
            let parts = gbtree.ok_or_else(missing)?.model;
            let weights: Vec<f32> = weight_drop.iter().map(|weight| weight.0).collect();
            Ok(Boosted::Trees(trees(parts, &weights, features, base)?))
        }
        "gblinear" => Ok(Boosted::Linear(linear(&model.ok_or_else(missing)?, features, &base)?)),
        other => Err(broken(format!("gradient_booster is named {other:?}, not gbtree, dart or gblinear"))),
    }
}

fn trees(parts: Parts, weights: &[f32], features: usize, base: Vec<f32>) -> Result<Forest<f32, f32>, Unsupported> {
    if parts.cats.enc.iter().any(|encoding| !encoding.values.is_empty()) {
        return Err(Unsupported::new(
            "this XGBoost file has names of categories in it, which its rows would have to be given in",
            "train with the categories as numbers from 0 on, and 'c' among feature_types",
        ));
    }
    let count = parts.gbtree_model_param.map_or(parts.trees.len(), |counts| counts.num_trees.0);
    let lists = [("trees", parts.trees.len()), ("tree_info", parts.tree_info.len()), ("weight_drop", weights.len())];
    if let Some((name, length)) = lists.into_iter().find(|(_, length)| *length != count) {
        return Err(broken(format!("{name} has {length} elements, and the model has {count} trees")));
    }
    let mut bounds = Bounds { features, outputs: base.len(), set_words: SET_WORDS_MAX };
    let mut trees = Vec::with_capacity(count);
    for (index, file) in parts.trees.into_iter().enumerate() {
        let place = |reason| broken(format!("tree {index}: {reason}"));
        if file.id != index {
            return Err(place(format!("its id is {}", file.id)));
        }
        trees.push(tree(&file, parts.tree_info[index], weights[index], &mut bounds).map_err(place)?);
    }
    Forest::new(features, base, &trees).map_err(broken)
}

/// Sums begin at the bias and the first output's intercept, to which the terms are added in the order of the features.
fn linear(parts: &Parts, features: usize, base: &[f32]) -> Result<Forest<f32, f32>, Unsupported> {
    let outputs = base.len();
    let (length, bias) = (parts.weights.len(), features * outputs);
    if length != bias + outputs {
        return Err(broken(format!(
            "weights has {length} elements, and there are {features} features, {outputs} outputs"
        )));
    }
    let (weights, biases) = parts.weights.split_at(bias);
    let function = |output: usize| {
        let terms: Vec<_> = (0..features).map(|feature| (feature, weights[feature * outputs + output].0)).collect();
        let values = vec![biases[output].0 + base[0]];
        let linear = Some(Linear { terms, without: f32::NAN });
        Tree { nodes: vec![Node::Leaf(Leaf { values, linear })], output }
    };
    let trees: Vec<_> = (0..outputs).map(function).collect();
    // What is added to minus zero stays as it is, whatever its sign.
    Forest::new(features, vec![-0.0; outputs], &trees).map_err(broken)
}
