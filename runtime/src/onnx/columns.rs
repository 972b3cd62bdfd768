//! What is known of an input's columns: their names, and whether NaN may stand for a missing value.

use super::{graph, proto};
use servoir_types::{Signature, TensorSpec};
use std::collections::{HashMap, HashSet};

/// Nodes that hand values on without computing with them.
const CARRIERS: [&str; 5] = ["Cast", "Identity", "Concat", "FeatureVectorizer", "Reshape"];

/// Nodes of trees, which may send a missing value down a branch of its own.
const TREES: [&str; 3] = ["TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"];

/// Fills in [`TensorSpec::feature_names`] and [`TensorSpec::accepts_missing`].
pub fn assign(model: &proto::Model, graph: &proto::Graph, signature: &mut Signature) {
    let mut consumers: HashMap<&str, Vec<&proto::Node>> = HashMap::new();
    for node in &graph.nodes {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            consumers.entry(input).or_default().push(node);
        }
    }
    for input in &mut signature.inputs {
        input.accepts_missing = input.datatype.is_float() && accepts_missing(&input.name, &consumers);
    }
    if let Some(names) = feature_names(model)
        && let Some(matrix) = only_matrix(&mut signature.inputs, names.len())
    {
        matrix.feature_names = Some(names);
    }
}

/// The metadata `feature_names`, a JSON list of strings, as exporters of named columns write it.
fn feature_names(model: &proto::Model) -> Option<Vec<String>> {
    let entry = model.metadata_props.iter().find(|entry| entry.key == "feature_names")?;
    serde_json::from_str(&entry.value).ok()
}

/// The single two-dimensional input, when it has as many columns as there are names.
fn only_matrix(inputs: &mut [TensorSpec], columns: usize) -> Option<&mut TensorSpec> {
    let mut matrices = inputs.iter_mut().filter(|input| input.shape.dims().is_some_and(|dims| dims.len() == 2));
    let matrix = matrices
        .next()
        .filter(|input| input.shape.dims().is_some_and(|dims| usize::try_from(dims[1]) == Ok(columns)))?;
    matrices.next().is_none().then_some(matrix)
}

/// Whether everything that reads this input, directly or through carriers, knows what to do with NaN.
fn accepts_missing(input: &str, consumers: &HashMap<&str, Vec<&proto::Node>>) -> bool {
    let mut open = vec![input];
    let mut seen: HashSet<&str> = open.iter().copied().collect();
    let mut knows = false;
    while let Some(name) = open.pop() {
        for &node in consumers.get(name).into_iter().flatten() {
            if graph::is_op(node, &CARRIERS) {
                open.extend(node.outputs.iter().map(String::as_str).filter(|output| seen.insert(output)));
            } else if graph::is_op(node, &["Imputer"]) || (graph::is_op(node, &TREES) && tracks_missing(node)) {
                knows = true;
            } else {
                return false;
            }
        }
    }
    knows
}

fn tracks_missing(node: &proto::Node) -> bool {
    node.attribute("nodes_missing_value_tracks_true").is_some_and(|tracks| tracks.ints.iter().any(|&track| track != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Datatype, Shape};

    fn node(op_type: &str, input: &str, output: &str, tracks: &[i64]) -> proto::Node {
        let attribute = proto::Attribute {
            name: "nodes_missing_value_tracks_true".into(),
            ints: tracks.to_vec(),
            ..Default::default()
        };
        proto::Node {
            op_type: op_type.into(),
            inputs: vec![input.into()],
            outputs: vec![output.into()],
            attributes: vec![attribute],
            ..Default::default()
        }
    }

    #[test]
    fn nan_is_a_missing_value_only_where_all_that_reads_it_knows_what_to_do() {
        let tree = |input: &str, tracks: &[i64]| node("TreeEnsembleClassifier", input, "y", tracks);
        let cases = [
            (vec![tree("x", &[0, 1])], true),
            (vec![tree("x", &[0, 0])], false),
            (vec![node("Cast", "x", "c", &[]), tree("c", &[1])], true),
            (vec![node("Scaler", "x", "c", &[]), tree("c", &[1])], false),
            (vec![node("Imputer", "x", "c", &[]), node("Scaler", "c", "d", &[])], true),
            (vec![tree("x", &[1]), node("MatMul", "x", "z", &[])], false),
            (vec![node("Identity", "x", "x", &[])], false),
            (vec![], false),
        ];
        for (nodes, expected) in cases {
            let graph = proto::Graph { nodes, ..Default::default() };
            let input = TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, 2]));
            let mut signature = Signature { inputs: vec![input], outputs: vec![] };
            assign(&proto::Model::default(), &graph, &mut signature);
            assert_eq!(signature.inputs[0].accepts_missing, expected, "{:?}", graph.nodes);
        }
    }

    #[test]
    fn names_go_to_the_only_matrix_that_has_as_many_columns() {
        let matrix = |columns: i64| TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, columns]));
        let vector = || TensorSpec::new("v", Datatype::Fp32, Shape::ranked([-1]));
        let cases = [
            (r#"["a", "b"]"#, vec![matrix(2)], true),
            (r#"["a", "b"]"#, vec![matrix(2), vector()], true),
            (r#"["a", "b"]"#, vec![matrix(3)], false),
            (r#"["a", "b"]"#, vec![matrix(-1)], false),
            (r#"["a", "b"]"#, vec![matrix(2), matrix(2)], false),
            ("a,b", vec![matrix(2)], false),
        ];
        for (names, inputs, expected) in cases {
            let entry = proto::Entry { key: "feature_names".into(), value: names.into() };
            let model = proto::Model { metadata_props: vec![entry], ..Default::default() };
            let mut signature = Signature { inputs, outputs: vec![] };
            assign(&model, &proto::Graph::default(), &mut signature);
            assert_eq!(signature.inputs[0].feature_names.is_some(), expected, "{names} {:?}", signature.inputs);
        }
    }
}
