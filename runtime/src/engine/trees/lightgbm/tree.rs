//! One tree.

use super::columns::Columns;
use super::lines::Section;
use super::{leaves, splits};
use crate::error::Unsupported;
use servoir_kernels::trees::{Node, Tree};

/// The keys that are read; what else a tree has are statistics of its training.
pub const KEYS: [&str; 15] = [
    "num_leaves",
    "num_cat",
    "split_feature",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "cat_boundaries",
    "cat_threshold",
    "is_linear",
    "leaf_const",
    "num_features",
    "leaf_features",
    "leaf_coeff",
];

/// Reads a tree that adds to `output`: its splits in the file's order, then its leaves.
///
/// # Errors
/// When it is broken, or cannot be computed.
pub fn read(section: &Section<'_>, columns: &mut Columns, output: usize) -> Result<Tree<f64, f64>, Unsupported> {
    let field = section.require("num_leaves")?;
    let count: usize = field.number()?;
    if count == 0 {
        return Err(field.wrong("a tree has at least one leaf"));
    }
    // The leaves' lists are as long as the file, whatever it declares; so they are read first.
    let leaves = leaves::read(section, count, columns)?;
    let splits = if count == 1 { Vec::new() } else { splits::read(section, count, columns)? };
    let mut nodes = Vec::with_capacity(splits.len() + leaves.len());
    nodes.extend(splits.into_iter().map(Node::Split));
    nodes.extend(leaves.into_iter().map(Node::Leaf));
    Ok(Tree { nodes, output })
}
