//! Ensembles that are broken, each in one way, and what is said about it.

use super::load;
use crate::onnx::proto::{Attribute, Graph, Node, Tensor};
use servoir_types::{Datatype, Shape, Signature, TensorSpec};

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: ints.to_vec(), ..Attribute::default() }
}

fn int(name: &str, int: i64) -> Attribute {
    Attribute { name: name.into(), int, ..Attribute::default() }
}

fn floats(name: &str, floats: &[f32]) -> Attribute {
    Attribute { name: name.into(), floats: floats.to_vec(), ..Attribute::default() }
}

fn strings(name: &str, strings: &[&str]) -> Attribute {
    let strings = strings.iter().map(|text| text.as_bytes().to_vec()).collect();
    Attribute { name: name.into(), strings, ..Attribute::default() }
}

fn text(name: &str, text: &str) -> Attribute {
    Attribute { name: name.into(), string: text.into(), ..Attribute::default() }
}

fn tensor(name: &str, tensor: Tensor) -> Attribute {
    Attribute { name: name.into(), tensor: Some(Box::new(tensor)), ..Attribute::default() }
}

fn float_tensor(name: &str, numbers: &[f32]) -> Attribute {
    let dims = vec![i64::try_from(numbers.len()).expect("few")];
    tensor(name, Tensor { dims, data_type: 1, float_data: numbers.to_vec(), ..Tensor::default() })
}

fn byte_tensor(name: &str, bytes: &[i32]) -> Attribute {
    let dims = vec![i64::try_from(bytes.len()).expect("few")];
    tensor(name, Tensor { dims, data_type: 2, int32_data: bytes.to_vec(), ..Tensor::default() })
}

fn node(op_type: &str, attributes: Vec<Attribute>) -> Node {
    Node {
        name: "trees".into(),
        op_type: op_type.into(),
        domain: "ai.onnx.ml".into(),
        inputs: vec!["x".into()],
        outputs: vec!["y".into()],
        attributes,
    }
}

/// One tree of a branch and two leaves.
fn regressor() -> Node {
    let attributes = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[1, 0, 0]),
        strings("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("target_treeids", &[0, 0]),
        ints("target_nodeids", &[1, 2]),
        ints("target_ids", &[0, 0]),
        floats("target_weights", &[1.0, 2.0]),
        int("n_targets", 1),
    ];
    node("TreeEnsembleRegressor", attributes)
}

/// The same tree in the lists of version 5.
fn ensemble() -> Node {
    let attributes = vec![
        ints("tree_roots", &[0]),
        ints("nodes_featureids", &[1]),
        float_tensor("nodes_splits", &[0.5]),
        byte_tensor("nodes_modes", &[0]),
        ints("nodes_truenodeids", &[0]),
        ints("nodes_trueleafs", &[1]),
        ints("nodes_falsenodeids", &[1]),
        ints("nodes_falseleafs", &[1]),
        ints("leaf_targetids", &[0, 0]),
        float_tensor("leaf_weights", &[1.0, 2.0]),
        int("n_targets", 1),
    ];
    node("TreeEnsemble", attributes)
}

fn with(mut node: Node, changes: &[Attribute]) -> Node {
    node.attributes.retain(|attribute| changes.iter().all(|change| change.name != attribute.name));
    node.attributes.extend_from_slice(changes);
    node
}

fn signature(columns: i64) -> Signature {
    let spec = |name: &str, columns| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([-1, columns]));
    Signature { inputs: vec![spec("x", columns)], outputs: vec![spec("y", 1)] }
}

/// Why a graph of these nodes is not computed here.
fn reason(nodes: Vec<Node>, columns: i64) -> Option<String> {
    let inputs = vec![crate::onnx::proto::Value { name: "x".into(), kind: None }];
    load(&Graph { nodes, inputs, ..Graph::default() }, signature(columns)).err()
}

/// Each change, with words of what is said about it.
fn refused(whole: fn() -> Node, cases: &[(Vec<Attribute>, &str)]) {
    assert_eq!(reason(vec![whole()], 2), None);
    for (changes, words) in cases {
        let reason = reason(vec![with(whole(), changes)], 2).unwrap_or_else(|| panic!("'{words}' was loaded"));
        assert!(reason.contains("'trees'") && reason.contains(words), "{reason}\nwas to say: {words}");
    }
}

#[test]
fn broken_parallel_lists_are_refused() {
    refused(
        regressor,
        &[
            (vec![ints("nodes_treeids", &[])], "nodes_nodeids has 3 entries, and nodes_treeids 0"),
            (vec![ints("nodes_featureids", &[1, 0])], "nodes_featureids has 2 entries"),
            (vec![ints("nodes_missing_value_tracks_true", &[1])], "nodes_missing_value_tracks_true has 1"),
            (vec![floats("nodes_values", &[0.5])], "nodes_values has 1 entries"),
            (vec![ints("nodes_treeids", &[0, 1, 0])], "the nodes of tree 0 are not side by side"),
            (vec![ints("nodes_nodeids", &[0, 1, 1])], "tree 0 has two nodes 1"),
            (vec![ints("nodes_truenodeids", &[9, 0, 0])], "tree 0, node 0 leads to node 9"),
            (vec![ints("nodes_truenodeids", &[i64::MAX, 0, 0])], "leads to node 9223372036854775807"),
            (vec![ints("nodes_truenodeids", &[2, 0, 0])], "several roots"),
            (vec![ints("nodes_falsenodeids", &[0, 0, 0])], "several roots"),
            (vec![ints("nodes_treeids", &[0, 0, 1]), ints("target_treeids", &[0, 1])], "leads to node 2"),
            (vec![strings("nodes_modes", &["LEAF"; 3])], "leaf 0 has no weight"),
            (vec![strings("nodes_modes", &["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"])], "node 1, which is no leaf"),
            (vec![strings("nodes_modes", &["BRANCH_MAYBE", "LEAF", "LEAF"])], "has the mode 'BRANCH_MAYBE'"),
            (vec![ints("nodes_featureids", &[2, 0, 0])], "feature 2 does not exist; there are 2 columns"),
            (vec![ints("nodes_featureids", &[-1, 0, 0])], "tests feature -1"),
            (vec![floats("nodes_values", &[f32::NAN, 0.0, 0.0])], "compares with NaN"),
            (vec![ints("target_nodeids", &[1, 7])], "a weight is for tree 0, node 7, which does not exist"),
            (vec![ints("target_nodeids", &[1, 0])], "node 0, which is no leaf"),
            (vec![ints("target_nodeids", &[1, 1])], "two weights for one target"),
            (vec![ints("target_ids", &[0, 1])], "a weight is for target 1, and there are 1"),
            (vec![ints("target_ids", &[0])], "differ in length"),
            (
                vec![
                    ints("target_treeids", &[0]),
                    ints("target_nodeids", &[1]),
                    ints("target_ids", &[0]),
                    floats("target_weights", &[1.0]),
                ],
                "leaf 2 has no weight",
            ),
            (vec![floats("target_weights", &[f32::INFINITY, 0.0])], "no finite number"),
            (vec![floats("base_values", &[f32::NAN])], "a base value is no finite number"),
            (vec![floats("base_values", &[1.0, 2.0])], "2 base values for 1 targets"),
            (vec![int("n_targets", 0)], "declares 0 targets"),
            (vec![int("n_targets", i64::MAX)], "declares 9223372036854775807 targets"),
            (vec![text("post_transform", "TWICE")], "post_transform is 'TWICE'"),
            (vec![float_tensor("nodes_values_as_tensor", &[0.5, 0.0, 0.0])], "both nodes_values and"),
        ],
    );
}

#[test]
fn a_tree_that_goes_round_in_a_circle_is_refused() {
    let circle = [
        strings("nodes_modes", &["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 2, 0]),
        ints("target_treeids", &[0]),
        ints("target_nodeids", &[2]),
        ints("target_ids", &[0]),
        floats("target_weights", &[1.0]),
    ];
    let reason = reason(vec![with(regressor(), &circle)], 2).expect("a reason");
    assert!(reason.contains("is reached twice"), "{reason}");
}

#[test]
fn broken_listed_ensembles_are_refused() {
    refused(
        ensemble,
        &[
            (vec![ints("tree_roots", &[])], "it has no trees"),
            (vec![ints("tree_roots", &[1])], "node 1 does not exist; there are 1"),
            (vec![ints("tree_roots", &[0, 0])], "node 0 is reached twice"),
            (vec![ints("nodes_trueleafs", &[0])], "node 0 is reached twice"),
            (vec![ints("nodes_trueleafs", &[])], "nodes_trueleafs has 0 entries"),
            (vec![ints("nodes_truenodeids", &[-1])], "leaf -1 does not exist; there are 2"),
            (vec![ints("nodes_falsenodeids", &[i64::MAX])], "leaf 9223372036854775807 does not exist"),
            (vec![ints("nodes_featureids", &[5])], "feature 5 does not exist"),
            (vec![ints("nodes_missing_value_tracks_true", &[0, 0])], "for some nodes only"),
            (vec![byte_tensor("nodes_modes", &[7])], "nodes_modes has 7"),
            (vec![byte_tensor("nodes_modes", &[300])], "has a byte of 300"),
            (vec![byte_tensor("nodes_modes", &[6])], "fewer sets"),
            (vec![float_tensor("membership_values", &[1.0])], "more sets"),
            (vec![byte_tensor("nodes_modes", &[4]), float_tensor("nodes_splits", &[0.5])], "compares with 0.5"),
            (vec![byte_tensor("nodes_modes", &[4]), float_tensor("nodes_splits", &[1e9])], "compares with 1000000000"),
            (vec![float_tensor("leaf_weights", &[1.0])], "differ in length"),
            (vec![ints("leaf_targetids", &[0, 1])], "is for target 1, and there are 1"),
            (vec![int("post_transform", 2)], "readers disagree"),
            (vec![int("aggregate_function", 2)], "aggregate_function 2 is not computed here"),
            (
                vec![tensor("leaf_weights", Tensor { dims: vec![i64::MAX, 4], data_type: 1, ..Tensor::default() })],
                "declares",
            ),
        ],
    );
}

#[test]
fn graphs_of_other_nodes_are_refused_by_the_name_of_the_first() {
    let other = |op_type: &str, input: &str, output: &str| Node {
        name: "other".into(),
        domain: String::new(),
        inputs: vec![input.into()],
        outputs: vec![output.into()],
        ..node(op_type, Vec::new())
    };
    let onto = |input: &str| Node { inputs: vec![input.into()], ..regressor() };
    let cases = [
        (vec![], 2, "it has no ensemble of trees"),
        (vec![other("Relu", "x", "y")], 2, "node 'other' (Relu, ai.onnx): it is not one"),
        (vec![other("Relu", "x", "z"), onto("z")], 2, "node 'other' (Relu, ai.onnx)"),
        (vec![other("Identity", "z", "x2"), onto("x2")], 2, "takes 'z'"),
        (vec![regressor(), Node { outputs: vec!["y2".into()], ..onto("y") }], 2, "a second ensemble"),
        (vec![other("Identity", "x", "y")], 2, "it has no ensemble of trees"),
        (vec![regressor()], -1, "input 'x' is [-1, -1]: not rows of a known width"),
        (vec![regressor()], 1 << 40, "not rows of a known width"),
    ];
    for (nodes, columns, words) in cases {
        let reason = reason(nodes, columns).unwrap_or_else(|| panic!("'{words}' was loaded"));
        assert!(reason.contains(words), "{reason}\nwas to say: {words}");
    }
}

#[test]
fn rows_that_double_with_every_node_are_refused() {
    let double = |step: usize| Node {
        domain: String::new(),
        inputs: vec![if step == 0 { "x".into() } else { format!("x{step}") }; 2],
        outputs: vec![format!("x{}", step + 1)],
        attributes: vec![int("axis", 1)],
        ..node("Concat", Vec::new())
    };
    let nodes = (0..60).map(double).chain([Node { inputs: vec!["x60".into()], ..regressor() }]).collect();
    let reason = reason(nodes, 2).expect("a reason");
    assert!(reason.contains("elements in all steps together"), "{reason}");
}
