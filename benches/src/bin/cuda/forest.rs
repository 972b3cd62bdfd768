//! The forest in xgboost's format.

use serde_json::{Value, json};
use servoir_benches::forest::FEATURES;
use servoir_kernels::trees::{Leaf, Node, Split, Test, Tree};

/// The forest as xgboost's JSON, its predictions beginning at one half.
pub fn as_xgboost(trees: &[Tree<f32, f32>]) -> Value {
    let parameters = json!({ "num_parallel_tree": "1", "num_trees": trees.len().to_string() });
    let rounds: Vec<usize> = (0..=trees.len()).collect();
    let model = json!({
        "gbtree_model_param": parameters,
        "iteration_indptr": rounds,
        "tree_info": vec![0; trees.len()],
        "trees": trees.iter().zip(0..).map(|(tree, id)| tree_as_xgboost(tree, id)).collect::<Vec<_>>(),
    });
    json!({
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": { "model": model, "name": "gbtree" },
            "learner_model_param": {
                "base_score": "5E-1", "boost_from_average": "1", "num_class": "0", "num_feature": FEATURES.to_string(),
                "num_target": "1",
            },
            "objective": { "name": "reg:squarederror", "reg_loss_param": { "scale_pos_weight": "1" } },
        },
        "version": [3, 2, 0],
    })
}

fn tree_as_xgboost(tree: &Tree<f32, f32>, id: u32) -> Value {
    let count = tree.nodes.len();
    let splits = |of_split: &dyn Fn(&Split<f32>) -> Value, of_leaf: &dyn Fn(&Leaf<f32>) -> Value| -> Vec<Value> {
        tree.nodes
            .iter()
            .map(|node| match node {
                Node::Split(split) => of_split(split),
                Node::Leaf(leaf) => of_leaf(leaf),
            })
            .collect()
    };
    let condition = |split: &Split<f32>| match &split.test {
        Test::AtMost(threshold) => json!(threshold.next_up()),
        Test::In(_) => json!(null),
    };
    // The root has none; xgboost says so with the greatest number.
    let parents: Vec<u32> =
        (0..count as u32).map(|node| if node == 0 { 2_147_483_647 } else { (node - 1) / 2 }).collect();
    json!({
        "base_weights": vec![0.0; count],
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": splits(&|split| json!(u8::from(split.missing_left)), &|_| json!(0)),
        "id": id,
        "left_children": splits(&|split| json!(split.left), &|_| json!(-1)),
        "loss_changes": vec![0.0; count],
        "parents": parents,
        "right_children": splits(&|split| json!(split.right), &|_| json!(-1)),
        "split_conditions": splits(&condition, &|leaf| json!(leaf.values[0])),
        "split_indices": splits(&|split| json!(split.feature), &|_| json!(0)),
        "split_type": vec![0; count],
        "sum_hessian": vec![1.0; count],
        "tree_param": {
            "num_deleted": "0", "num_feature": FEATURES.to_string(), "num_nodes": count.to_string(), "size_leaf_vector": "1",
        },
    })
}
