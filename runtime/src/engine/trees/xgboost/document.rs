//! What a file holds, as far as a prediction needs it: the schema of XGBoost's JSON and UBJSON alike.

use super::text::{Flag, Float, Text, Texts};
use serde::Deserialize;

/// A whole file.
#[derive(Deserialize)]
pub struct Document {
    /// The model.
    pub learner: Learner,
}

/// The model.
#[derive(Deserialize)]
pub struct Learner {
    /// Names of the features; none before 1.4, or when the training data had none.
    #[serde(default)]
    pub feature_names: Vec<String>,
    /// The trees or the weights.
    pub gradient_booster: Booster,
    /// Sizes and the intercept.
    pub learner_model_param: Sizes,
    /// What it was trained for.
    pub objective: Objective,
}

/// Sizes and the intercept.
#[derive(Deserialize)]
pub struct Sizes {
    /// `5E-1`, or since 3.1 `[5E-1]` with a number for each output: the prediction without any tree, through the link
    /// function.
    pub base_score: Texts<f32>,
    /// Columns of a row.
    pub num_feature: Text<usize>,
    /// Classes of a classifier of several, else 0.
    pub num_class: Text<usize>,
    /// Values of a prediction; since 1.6.
    #[serde(default)]
    pub num_target: Option<Text<usize>>,
}

/// What the model was trained for.
#[derive(Deserialize)]
pub struct Objective {
    /// Such as `binary:logistic`.
    pub name: String,
}

/// Trees or weights, by `name`.
#[derive(Deserialize)]
pub struct Booster {
    /// `gbtree`, `dart` or `gblinear`.
    pub name: String,
    /// Of `gbtree` and `gblinear`.
    #[serde(default)]
    pub model: Option<Parts>,
    /// Of `dart`: what a `gbtree` has.
    #[serde(default)]
    pub gbtree: Option<Inner>,
    /// Of `dart`: what each tree counts.
    #[serde(default)]
    pub weight_drop: Vec<Float>,
}

/// The `gbtree` inside a `dart`.
#[derive(Deserialize)]
pub struct Inner {
    /// Its trees.
    pub model: Parts,
}

/// The trees of `gbtree`, or the weights of `gblinear`.
#[derive(Deserialize)]
pub struct Parts {
    /// How many trees there are.
    #[serde(default)]
    pub gbtree_model_param: Option<Counts>,
    /// The trees.
    #[serde(default)]
    pub trees: Vec<Tree>,
    /// The output that each tree adds to.
    #[serde(default)]
    pub tree_info: Vec<usize>,
    /// Since 3.1: the categories that values were, before they became numbers.
    #[serde(default)]
    pub cats: Categories,
    /// `[features + 1, outputs]`; the last row is the bias.
    #[serde(default)]
    pub weights: Vec<Float>,
}

/// How many trees there are.
#[derive(Deserialize)]
pub struct Counts {
    /// The length of `trees`.
    pub num_trees: Text<usize>,
}

/// The categories that values were, before they became numbers.
#[derive(Deserialize, Default)]
pub struct Categories {
    /// One for each feature, or none at all.
    #[serde(default)]
    pub enc: Vec<Encoding>,
}

/// The categories of one feature: empty unless it is categorical.
#[derive(Deserialize)]
pub struct Encoding {
    /// The letters of names, or numbers that are names.
    pub values: Vec<Float>,
}

/// A tree: one list for each property of its nodes.
#[derive(Deserialize)]
pub struct Tree {
    /// Its position among the trees.
    pub id: usize,
    /// Sizes.
    pub tree_param: TreeSizes,
    /// -1 for a leaf.
    pub left_children: Vec<i64>,
    /// Of a leaf with a vector, since 3.2, the position of that vector.
    pub right_children: Vec<i64>,
    /// The feature of a split; nothing that means something for a leaf.
    pub split_indices: Vec<i64>,
    /// The threshold of a split, or a leaf's value.
    pub split_conditions: Vec<Float>,
    /// Whether a missing value goes left.
    pub default_left: Vec<Flag>,
    /// 1 for a split by categories; since 1.3.
    #[serde(default)]
    pub split_type: Vec<u8>,
    /// The categories that go right, of all splits by categories together.
    #[serde(default)]
    pub categories: Vec<i64>,
    /// The splits by categories, in ascending order.
    #[serde(default)]
    pub categories_nodes: Vec<usize>,
    /// Where the categories of each begin.
    #[serde(default)]
    pub categories_segments: Vec<usize>,
    /// How many each has.
    #[serde(default)]
    pub categories_sizes: Vec<usize>,
    /// Before 3.2, the vectors of leaves, one for each node.
    #[serde(default)]
    pub base_weights: Vec<Float>,
    /// Since 3.2, the vectors of leaves.
    #[serde(default)]
    pub leaf_weights: Vec<Float>,
}

/// The sizes of a tree.
#[derive(Deserialize)]
pub struct TreeSizes {
    /// The length of each list.
    pub num_nodes: Text<usize>,
    /// Values of a leaf; 0 and 1 for one.
    pub size_leaf_vector: Text<usize>,
}
