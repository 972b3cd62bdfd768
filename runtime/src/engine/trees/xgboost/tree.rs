//! One tree, from lists of its nodes' properties to nodes.

use super::document;
use servoir_kernels::trees::{Leaf, Node, Split, Test, Tree};

/// The most memory of all sets of categories together, in words of 32 bits: a category of few bytes in a file can take
/// 2 MiB.
pub const SET_WORDS_MAX: usize = 1 << 26;
/// Categories lie below this: above it, numbers of 32 bits have gaps.
const CATEGORY_MAX: i64 = 1 << 24;

/// What the trees of a model share.
pub struct Bounds {
    /// Columns of a row.
    pub features: usize,
    /// Values of a prediction.
    pub outputs: usize,
    /// How many words sets of categories may still take.
    pub set_words: usize,
}

/// Puts a tree together; `output` is what its leaves add to unless they are vectors, and `weight` is what they count.
///
/// # Errors
/// What is wrong, and where in the tree.
pub fn tree(file: &document::Tree, output: usize, weight: f32, bounds: &mut Bounds) -> Result<Tree<f32, f32>, String> {
    let count = file.tree_param.num_nodes.0;
    let lists = [
        ("left_children", file.left_children.len()),
        ("right_children", file.right_children.len()),
        ("split_indices", file.split_indices.len()),
        ("split_conditions", file.split_conditions.len()),
        ("default_left", file.default_left.len()),
    ];
    if let Some((name, length)) = lists.into_iter().find(|(_, length)| *length != count) {
        return Err(format!("{name} has {length} elements, and num_nodes is {count}"));
    }
    let width = file.tree_param.size_leaf_vector.0.max(1);
    if width > 1 && width != bounds.outputs {
        return Err(format!("its leaves have {width} values, and the model has {} outputs", bounds.outputs));
    }
    let leaves = Leaves { file, width, weight };
    let mut sets = Sets { file, next: 0 };
    let node = |node: usize| {
        let place = |reason| format!("node {node}: {reason}");
        if file.left_children[node] == -1 {
            let values = leaves.values(node).map_err(place)?;
            return Ok(Node::Leaf(Leaf { values, linear: None }));
        }
        split(file, node, &mut sets, bounds).map(Node::Split).map_err(place)
    };
    let nodes = (0..count).map(node).collect::<Result<_, String>>()?;
    sets.finish()?;
    Ok(Tree { nodes, output: if width > 1 { 0 } else { output } })
}

fn split(file: &document::Tree, node: usize, sets: &mut Sets<'_>, bounds: &mut Bounds) -> Result<Split<f32>, String> {
    let feature = file.split_indices[node];
    let feature = usize::try_from(feature).ok().filter(|feature| *feature < bounds.features);
    let feature = feature.ok_or_else(|| {
        format!("it tests feature {}, and the model has {} features", file.split_indices[node], bounds.features)
    })?;
    let child = |child: i64| usize::try_from(child).map_err(|_| format!("its child is node {child}"));
    let (left, right) = (child(file.left_children[node])?, child(file.right_children[node])?);
    let missing_left = file.default_left[node].0;
    Ok(match file.split_type.get(node) {
        // Categories of the set go right, and all others left.
        Some(1) => Split {
            feature,
            test: Test::In(sets.of(node, bounds)?),
            missing_left: !missing_left,
            left: right,
            right: left,
        },
        Some(0) | None => {
            let test = Test::less_than(file.split_conditions[node].0);
            Split { feature, test, missing_left, left, right }
        }
        Some(other) => return Err(format!("its split_type is {other}, neither 0 nor 1")),
    })
}

/// Where values of leaves stand.
struct Leaves<'f> {
    file: &'f document::Tree,
    width: usize,
    weight: f32,
}

impl Leaves<'_> {
    fn values(&self, node: usize) -> Result<Vec<f32>, String> {
        let Self { file, width, weight } = *self;
        if width == 1 {
            return Ok(vec![file.split_conditions[node].0 * weight]);
        }
        let (vectors, position) = if file.leaf_weights.is_empty() {
            (&file.base_weights, Some(node))
        } else {
            (&file.leaf_weights, usize::try_from(file.right_children[node]).ok())
        };
        let begin = position.and_then(|position| position.checked_mul(width));
        let vector = begin.and_then(|begin| vectors.get(begin..)?.get(..width));
        let vector = vector.ok_or_else(|| format!("a leaf without the {width} values that it should have"))?;
        Ok(vector.iter().map(|value| value.0 * weight).collect())
    }
}

/// Sets of categories, which stand in the order of their nodes.
struct Sets<'f> {
    file: &'f document::Tree,
    /// How many were taken.
    next: usize,
}

impl Sets<'_> {
    /// The set of a node, as bits; empty when the file has none for it.
    fn of(&mut self, node: usize, bounds: &mut Bounds) -> Result<Vec<u32>, String> {
        if self.file.categories_nodes.get(self.next) != Some(&node) {
            return Ok(Vec::new());
        }
        let (begin, count) = (self.file.categories_segments.get(self.next), self.file.categories_sizes.get(self.next));
        self.next += 1;
        let categories = begin.zip(count).and_then(|(begin, count)| self.file.categories.get(*begin..)?.get(..*count));
        let categories = categories.ok_or("its categories are not in the list of categories")?;
        if let Some(category) = categories.iter().find(|category| !(0..CATEGORY_MAX).contains(*category)) {
            return Err(format!("{category} is no category: they are at least 0 and below 2^24"));
        }
        let index = |category: &i64| usize::try_from(*category).unwrap_or_default();
        let words = categories.iter().map(|category| index(category) / 32 + 1).max().unwrap_or(0);
        let left = bounds.set_words.checked_sub(words);
        bounds.set_words =
            left.ok_or_else(|| format!("the sets of categories take more than {} MiB", (SET_WORDS_MAX * 4) >> 20))?;
        let mut set = vec![0u32; words];
        categories.iter().map(index).for_each(|category| set[category / 32] |= 1 << (category % 32));
        Ok(set)
    }

    fn finish(self) -> Result<(), String> {
        match self.file.categories_nodes.get(self.next) {
            Some(node) => {
                Err(format!("categories_nodes names node {node}, which is no split by categories, or is out of order"))
            }
            None => Ok(()),
        }
    }
}
