//! What trees must be before they are laid out: the kernels follow their positions without looking again.

use super::{Node, Tree};

/// The most nodes, and the most leaf values, in all trees together: positions are kept in 32 bits.
const POSITIONS_MAX: usize = 1 << 31;
/// The most features, and the most outputs: two bits of a feature's position are flags.
const WIDTH_MAX: usize = 1 << 30;
/// How many times as many leaf values there may be when each tree's leaves are made as wide as its widest.
const PADDED_TIMES_MAX: usize = 64;
/// So many values may be added in any case.
const PADDED_MIN: usize = 1 << 20;

/// Why trees are no forest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum ForestError {
    #[error("tree {tree} has no nodes")]
    Empty { tree: usize },
    #[error("tree {tree}, node {node}: child {child} does not exist; the tree has {count} nodes")]
    NoSuchChild { tree: usize, node: usize, child: usize, count: usize },
    #[error("tree {tree}: node {node} is reached twice; in a tree every node has one way to it")]
    ReachedTwice { tree: usize, node: usize },
    #[error("tree {tree}, node {node}: feature {feature} does not exist; the model has {count} features")]
    NoSuchFeature { tree: usize, node: usize, feature: usize, count: usize },
    #[error("tree {tree}, node {node}: the leaf adds to output {output}; the model has {count} outputs")]
    NoSuchOutput { tree: usize, node: usize, output: usize, count: usize },
    #[error("the trees have {0} nodes together, more than 2^31")]
    TooLarge(usize),
    #[error("the leaves have {padded} values when each tree's are made equally many, but only {count} are given")]
    Uneven { padded: usize, count: usize },
    #[error("the forest has no features, or no outputs")]
    NoShape,
    #[error("the model has {features} features and {outputs} outputs; neither may be more than 2^30")]
    TooWide { features: usize, outputs: usize },
}

/// Checks trees over so many features that add to so many outputs.
pub fn check<X, T>(features: usize, outputs: usize, trees: &[Tree<X, T>]) -> Result<(), ForestError> {
    if features == 0 || outputs == 0 {
        return Err(ForestError::NoShape);
    }
    if features > WIDTH_MAX || outputs > WIDTH_MAX {
        return Err(ForestError::TooWide { features, outputs });
    }
    let nodes: usize = trees.iter().map(|tree| tree.nodes.len()).sum();
    if nodes >= POSITIONS_MAX {
        return Err(ForestError::TooLarge(nodes));
    }
    let (mut padded, mut count) = (0usize, 0usize);
    for (index, tree) in trees.iter().enumerate() {
        check_tree(index, tree, features, outputs)?;
        padded = padded.saturating_add(tree.leaves().count().saturating_mul(tree.width()));
        count += tree.leaves().map(|leaf| leaf.values.len()).sum::<usize>();
    }
    if padded >= POSITIONS_MAX || padded > (count * PADDED_TIMES_MAX).max(PADDED_MIN) {
        return Err(ForestError::Uneven { padded, count });
    }
    Ok(())
}

fn check_tree<X, T>(index: usize, tree: &Tree<X, T>, features: usize, outputs: usize) -> Result<(), ForestError> {
    let count = tree.nodes.len();
    if count == 0 {
        return Err(ForestError::Empty { tree: index });
    }
    let mut seen = vec![false; count];
    let mut waiting = vec![0];
    seen[0] = true;
    while let Some(node) = waiting.pop() {
        let no_such_feature = |feature| ForestError::NoSuchFeature { tree: index, node, feature, count: features };
        match &tree.nodes[node] {
            Node::Split(split) => {
                if split.feature >= features {
                    return Err(no_such_feature(split.feature));
                }
                for child in [split.left, split.right] {
                    let Some(seen) = seen.get_mut(child) else {
                        return Err(ForestError::NoSuchChild { tree: index, node, child, count });
                    };
                    if std::mem::replace(seen, true) {
                        return Err(ForestError::ReachedTwice { tree: index, node: child });
                    }
                    waiting.push(child);
                }
            }
            Node::Leaf(leaf) => {
                let last = tree.output.saturating_add(leaf.values.len().saturating_sub(1));
                if leaf.values.is_empty() || last >= outputs {
                    return Err(ForestError::NoSuchOutput { tree: index, node, output: last, count: outputs });
                }
                let mut terms = leaf.linear.iter().flat_map(|linear| &linear.terms);
                if let Some((feature, _)) = terms.find(|(feature, _)| *feature >= features) {
                    return Err(no_such_feature(*feature));
                }
            }
        }
    }
    Ok(())
}
