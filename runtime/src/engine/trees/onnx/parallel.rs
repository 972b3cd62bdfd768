//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor`: trees as parallel lists, in which nodes are known by the ids of
//! their tree and their own.

use super::attributes::Attributes;
use super::constant::Constant;
use super::ensemble::{Branch, Ensemble, Mode, Node, Transform, Tree};
use servoir_types::Data;
use std::collections::{HashMap, HashSet};

/// What the two operators call their weights.
pub struct Weights {
    /// The beginning of the attributes' names.
    pub prefix: &'static str,
    /// Targets, or classes.
    pub targets: usize,
}

/// A node by its tree's id and its own.
type Id = (i64, i64);

/// The lists of a node, all of one length.
struct Lists<'a> {
    trees: &'a [i64],
    nodes: &'a [i64],
    features: &'a [i64],
    modes: &'a [Vec<u8>],
    values: Vec<f64>,
    when_true: &'a [i64],
    when_false: &'a [i64],
    missing_is_true: &'a [i64],
}

/// Reads the trees.
pub fn read(attributes: Attributes<'_>, weights: &Weights) -> Result<Ensemble, String> {
    let lists = Lists::read(attributes)?;
    let places = places(&lists)?;
    let mut leaves = leaves(attributes, weights, &places, &lists)?;
    let mut trees = Vec::new();
    let mut start = 0;
    for run in lists.trees.chunk_by(|a, b| a == b) {
        let mut nodes = Vec::with_capacity(run.len());
        for at in start..start + run.len() {
            nodes.push(match lists.mode(at)? {
                None => Node::Leaf(std::mem::take(&mut leaves[at])),
                Some(mode) => Node::Branch(lists.branch(at, mode, start, &places)?),
            });
            if matches!(&nodes[at - start], Node::Leaf(weights) if weights.is_empty()) {
                return Err(format!("tree {}: leaf {} has no weight", run[0], lists.nodes[at]));
            }
        }
        one_root(&nodes, run[0])?;
        trees.push(Tree { nodes });
        start += run.len();
    }
    Ok(Ensemble {
        trees,
        targets: weights.targets,
        is_average: match attributes.text("aggregate_function", "SUM") {
            "SUM" => false,
            "AVERAGE" => true,
            other => return Err(format!("aggregate_function {other} is not computed here")),
        },
        base: floats(attributes, "base_values")?,
        transform: Transform::named(attributes.text("post_transform", "NONE"))?,
    })
}

/// Numbers of an attribute, or of the one that has them as a tensor.
fn floats(attributes: Attributes<'_>, name: &str) -> Result<Vec<f64>, String> {
    let Some(tensor) = attributes.tensor(&format!("{name}_as_tensor")) else {
        return Ok(attributes.floats(name).iter().map(|&number| number.into()).collect());
    };
    if !attributes.floats(name).is_empty() {
        return Err(format!("it has both {name} and {name}_as_tensor"));
    }
    match Constant::read(tensor)?.data {
        Data::Fp64(numbers) => Ok(numbers.to_vec()),
        Data::Fp32(numbers) => Ok(numbers.iter().map(|&number| number.into()).collect()),
        other => Err(format!("{name}_as_tensor has elements of type {}", other.datatype())),
    }
}

impl<'a> Lists<'a> {
    fn read(attributes: Attributes<'a>) -> Result<Self, String> {
        let lists = Self {
            trees: attributes.ints("nodes_treeids"),
            nodes: attributes.ints("nodes_nodeids"),
            features: attributes.ints("nodes_featureids"),
            modes: attributes.strings("nodes_modes"),
            values: floats(attributes, "nodes_values")?,
            when_true: attributes.ints("nodes_truenodeids"),
            when_false: attributes.ints("nodes_falsenodeids"),
            missing_is_true: attributes.ints("nodes_missing_value_tracks_true"),
        };
        let count = lists.trees.len();
        let lengths = [
            ("nodes_nodeids", lists.nodes.len()),
            ("nodes_featureids", lists.features.len()),
            ("nodes_modes", lists.modes.len()),
            ("nodes_values", lists.values.len()),
            ("nodes_truenodeids", lists.when_true.len()),
            ("nodes_falsenodeids", lists.when_false.len()),
            ("nodes_missing_value_tracks_true", lists.missing_is_true.len()),
        ];
        for (name, length) in lengths {
            let may_lack = name == "nodes_missing_value_tracks_true" && length == 0;
            if length != count && !may_lack {
                return Err(format!("{name} has {length} entries, and nodes_treeids {count}"));
            }
        }
        if count == 0 { Err("it has no trees".into()) } else { Ok(lists) }
    }

    /// What a node tests; a leaf tests nothing.
    fn mode(&self, at: usize) -> Result<Option<Mode>, String> {
        let value = self.values[at];
        Ok(Some(match self.modes[at].as_slice() {
            b"LEAF" => return Ok(None),
            b"BRANCH_LEQ" => Mode::AtMost(value),
            b"BRANCH_LT" => Mode::Less(value),
            b"BRANCH_GTE" => Mode::AtLeast(value),
            b"BRANCH_GT" => Mode::Greater(value),
            b"BRANCH_EQ" => Mode::Equal(value),
            b"BRANCH_NEQ" => Mode::NotEqual(value),
            other => {
                return Err(format!("{} has the mode '{}'", self.called(at), String::from_utf8_lossy(other)));
            }
        }))
    }

    fn branch(&self, at: usize, mode: Mode, start: usize, places: &HashMap<Id, usize>) -> Result<Branch, String> {
        let child = |node: i64| {
            let place = places.get(&(self.trees[at], node));
            place
                .map(|place| place - start)
                .ok_or_else(|| format!("{} leads to node {node}, which its tree does not have", self.called(at)))
        };
        Ok(Branch {
            feature: usize::try_from(self.features[at])
                .map_err(|_| format!("{} tests feature {}", self.called(at), self.features[at]))?,
            mode,
            missing_is_true: self.missing_is_true.get(at).is_some_and(|&is| is != 0),
            when_true: child(self.when_true[at])?,
            when_false: child(self.when_false[at])?,
        })
    }

    fn called(&self, at: usize) -> String {
        format!("tree {}, node {}", self.trees[at], self.nodes[at])
    }
}

/// Where each node is in the lists. The nodes of a tree are side by side.
fn places(lists: &Lists<'_>) -> Result<HashMap<Id, usize>, String> {
    let mut places = HashMap::with_capacity(lists.nodes.len());
    let mut seen = HashSet::new();
    for (at, (&tree, &node)) in lists.trees.iter().zip(lists.nodes).enumerate() {
        if places.insert((tree, node), at).is_some() {
            return Err(format!("tree {tree} has two nodes {node}"));
        }
        let is_next = at > 0 && lists.trees[at - 1] == tree;
        if !is_next && !seen.insert(tree) {
            return Err(format!("the nodes of tree {tree} are not side by side"));
        }
    }
    Ok(places)
}

/// The weights of each node of the lists.
fn leaves(
    attributes: Attributes<'_>,
    weights: &Weights,
    places: &HashMap<Id, usize>,
    lists: &Lists<'_>,
) -> Result<Vec<Vec<(usize, f64)>>, String> {
    let Weights { prefix, targets } = weights;
    let list = |name: &str| attributes.ints(&format!("{prefix}_{name}"));
    let (trees, nodes, ids) = (list("treeids"), list("nodeids"), list("ids"));
    let numbers = floats(attributes, &format!("{prefix}_weights"))?;
    if [nodes.len(), ids.len(), numbers.len()] != [trees.len(); 3] {
        return Err(format!("the lists {prefix}_treeids, _nodeids, _ids and _weights differ in length"));
    }
    let mut leaves: Vec<Vec<(usize, f64)>> = vec![Vec::new(); lists.nodes.len()];
    for (((&tree, &node), &id), &weight) in trees.iter().zip(nodes).zip(ids).zip(&numbers) {
        let place = *places
            .get(&(tree, node))
            .ok_or_else(|| format!("a weight is for tree {tree}, node {node}, which does not exist"))?;
        if lists.modes[place] != b"LEAF" {
            return Err(format!("a weight is for tree {tree}, node {node}, which is no leaf"));
        }
        let target = usize::try_from(id).ok().filter(|id| id < targets);
        let target = target.ok_or_else(|| format!("a weight is for target {id}, and there are {targets}"))?;
        leaves[place].push((target, weight));
    }
    for (at, leaf) in leaves.iter_mut().enumerate() {
        leaf.sort_by_key(|(target, _)| *target);
        if leaf.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("{} has two weights for one target", lists.called(at)));
        }
    }
    Ok(leaves)
}

/// Every node but the first has a way to it.
fn one_root(nodes: &[Node], tree: i64) -> Result<(), String> {
    let mut reached = vec![false; nodes.len()];
    for node in nodes {
        if let Node::Branch(branch) = node {
            reached[branch.when_true] = true;
            reached[branch.when_false] = true;
        }
    }
    match reached.iter().skip(1).position(|reached| !reached) {
        Some(at) => Err(format!("tree {tree} has several roots: nothing leads to its entry {}", at + 1)),
        None => Ok(()),
    }
}
