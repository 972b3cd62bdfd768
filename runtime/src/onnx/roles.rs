//! What a model's outputs mean: which one is the predicted class and which the probabilities, read off the graph.

use super::{graph, proto, signature};
use servoir_types::{Datatype, Label, Role, Signature, TensorSpec};
use std::collections::HashMap;

/// The most nodes that are followed back from an output.
const STEPS_MAX: usize = 64;

/// Nodes that hand a label or probabilities on.
const CARRIERS: [&str; 8] = ["Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Normalizer", "ZipMap"];

/// Nodes whose first output is the label and whose second is the scores.
const CLASSIFIERS: [&str; 3] = ["TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"];

/// Names under which exporters give the label.
const LABEL_NAMES: [&str; 3] = ["label", "output_label", "predicted_label"];

/// Names under which exporters give the probabilities.
const PROBABILITY_NAMES: [&str; 3] = ["probabilities", "output_probability", "probability_tensor"];

/// Where an output comes from.
struct Origin {
    role: Role,
    classes: Option<Vec<Label>>,
}

/// Fills in [`TensorSpec::role`] and [`TensorSpec::classes`].
pub fn assign(model: &proto::Model, graph: &proto::Graph, signature: &mut Signature) {
    let producers: HashMap<&str, (&proto::Node, usize)> = graph
        .nodes
        .iter()
        .flat_map(|node| node.outputs.iter().enumerate().map(move |(index, name)| (name.as_str(), (node, index))))
        .collect();
    let mut label_classes = None;
    for output in &mut signature.outputs {
        let Some(origin) = trace(&output.name, graph, &producers) else { continue };
        match origin.role {
            Role::Label if is_label(output) => {
                output.role = Some(Role::Label);
                label_classes = label_classes.or(origin.classes);
            }
            Role::Probabilities if is_matrix(output) => {
                output.role = Some(Role::Probabilities);
                output.classes = output.classes.take().or(origin.classes);
            }
            _ => {}
        }
    }
    by_name(signature);
    for output in signature.outputs.iter_mut().filter(|output| output.role == Some(Role::Probabilities)) {
        let classes = output.classes.take().or_else(|| label_classes.clone());
        output.classes = classes.or_else(|| named_classes(model)).or_else(|| counted_classes(output));
        drop_misfit(output);
    }
}

/// Follows an output back to the node that made it a label or probabilities.
fn trace(output: &str, graph: &proto::Graph, producers: &HashMap<&str, (&proto::Node, usize)>) -> Option<Origin> {
    let mut name = output;
    let mut classes = None;
    for _ in 0..STEPS_MAX {
        let &(node, index) = producers.get(name)?;
        if graph::is_op(node, &CLASSIFIERS) {
            let role = if index == 0 { Role::Label } else { Role::Probabilities };
            return Some(Origin { role, classes: classes.or_else(|| signature::class_labels(node)) });
        }
        if graph::is_op(node, &["Softmax"]) {
            return Some(Origin { role: Role::Probabilities, classes });
        }
        if graph::is_op(node, &["ArrayFeatureExtractor"]) {
            let labels = constant_labels(graph, node.inputs.first()?)?;
            return Some(Origin { role: Role::Label, classes: Some(labels) });
        }
        if !graph::is_op(node, &CARRIERS) {
            return None;
        }
        if graph::is_op(node, &["ZipMap"]) {
            classes = signature::class_labels(node);
        }
        name = node.inputs.first()?;
    }
    None
}

/// The classes in an initializer, as exporters look labels up by index.
fn constant_labels(graph: &proto::Graph, name: &str) -> Option<Vec<Label>> {
    let tensor = graph.initializers.iter().find(|tensor| tensor.name == name)?;
    let labels: Vec<Label> = if !tensor.string_data.is_empty() {
        tensor.string_data.iter().map(|text| Label::Text(String::from_utf8_lossy(text).into_owned())).collect()
    } else if !tensor.int64_data.is_empty() {
        tensor.int64_data.iter().copied().map(Label::Int).collect()
    } else {
        tensor.int32_data.iter().map(|&number| Label::Int(i64::from(number))).collect()
    };
    (!labels.is_empty()).then_some(labels)
}

/// Falls back on the names that exporters use, when a pair of outputs has them and the shapes agree.
fn by_name(signature: &mut Signature) {
    let find = |names: &[&str], fits: fn(&TensorSpec) -> bool| {
        signature.outputs.iter().position(|output| names.contains(&output.name.as_str()) && fits(output))
    };
    let (Some(label), Some(probabilities)) = (find(&LABEL_NAMES, is_label), find(&PROBABILITY_NAMES, is_matrix)) else {
        return;
    };
    signature.outputs[label].role = Some(Role::Label);
    signature.outputs[probabilities].role = Some(Role::Probabilities);
}

fn is_label(output: &TensorSpec) -> bool {
    let of_classes = output.datatype.is_integer() || output.datatype == Datatype::Bytes;
    of_classes && output.shape.dims().is_none_or(|dims| dims.len() == 1 || (dims.len() == 2 && dims[1] == 1))
}

fn is_matrix(output: &TensorSpec) -> bool {
    output.datatype.is_float() && output.shape.dims().is_some_and(|dims| dims.len() == 2)
}

/// The metadata `classes`, a JSON list of numbers or texts.
fn named_classes(model: &proto::Model) -> Option<Vec<Label>> {
    let entry = model.metadata_props.iter().find(|entry| entry.key == "classes")?;
    serde_json::from_str(&entry.value).ok()
}

fn columns(output: &TensorSpec) -> Option<usize> {
    output.shape.dims().and_then(|dims| dims.get(1)).and_then(|&columns| usize::try_from(columns).ok())
}

/// The most columns that are numbered when nothing names the classes.
const COUNTED_CLASSES_MAX: usize = 100_000;

fn counted_classes(output: &TensorSpec) -> Option<Vec<Label>> {
    let columns = columns(output).filter(|&columns| columns <= COUNTED_CLASSES_MAX)?;
    Some((0i64..).take(columns).map(Label::Int).collect())
}

/// Classes that are not as many as the columns say nothing about them.
fn drop_misfit(output: &mut TensorSpec) {
    let columns = columns(output);
    if columns.is_some() && output.classes.as_ref().map(Vec::len) != columns {
        output.classes = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Shape;

    fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> proto::Node {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        proto::Node { op_type: op_type.into(), inputs: owned(inputs), outputs: owned(outputs), ..Default::default() }
    }

    fn output(name: &str, datatype: Datatype, dims: &[i64]) -> TensorSpec {
        TensorSpec::new(name, datatype, Shape::ranked(dims))
    }

    fn assigned(nodes: Vec<proto::Node>, classes: Option<&str>, outputs: Vec<TensorSpec>) -> Vec<TensorSpec> {
        let labels = proto::Tensor { name: "labels".into(), int64_data: vec![3, 5], ..Default::default() };
        let graph = proto::Graph { nodes, initializers: vec![labels], ..Default::default() };
        let entry = |value: &str| proto::Entry { key: "classes".into(), value: value.into() };
        let metadata_props = classes.map(entry).into_iter().collect();
        let model = proto::Model { metadata_props, ..Default::default() };
        let mut signature = Signature { inputs: vec![], outputs };
        assign(&model, &graph, &mut signature);
        signature.outputs
    }

    fn numbers(numbers: &[i64]) -> Option<Vec<Label>> {
        Some(numbers.iter().copied().map(Label::Int).collect())
    }

    #[test]
    fn a_softmax_gives_probabilities_of_the_classes_that_the_metadata_names() {
        let texts = Some(vec![Label::Text("no".into()), Label::Text("yes".into())]);
        let cases = [
            (Some(r#"["no", "yes"]"#), 2, texts),
            (None, 2, numbers(&[0, 1])),
            (Some(r#"["no", "yes"]"#), 3, None),
            (Some("not a list"), 2, numbers(&[0, 1])),
        ];
        for (classes, columns, expected) in cases {
            let nodes = vec![node("Softmax", &["x"], &["s"]), node("Identity", &["s"], &["p"])];
            let outputs = assigned(nodes, classes, vec![output("p", Datatype::Fp32, &[-1, columns])]);
            assert_eq!((outputs[0].role, &outputs[0].classes), (Some(Role::Probabilities), &expected), "{classes:?}");
        }
    }

    #[test]
    fn a_label_looked_up_by_index_names_the_classes_of_the_probabilities() {
        let nodes = vec![
            node("Softmax", &["x"], &["p"]),
            node("ArrayFeatureExtractor", &["labels", "i"], &["l"]),
            node("Reshape", &["l", "shape"], &["label"]),
        ];
        let outputs = vec![output("label", Datatype::Int64, &[-1]), output("p", Datatype::Fp32, &[-1, 2])];
        let outputs = assigned(nodes, None, outputs);
        assert_eq!(outputs[0].role, Some(Role::Label));
        assert_eq!((outputs[1].role, &outputs[1].classes), (Some(Role::Probabilities), &numbers(&[3, 5])));
    }

    #[test]
    fn names_count_only_in_pairs_of_the_right_shapes() {
        let label = || output("label", Datatype::Int64, &[-1]);
        let probabilities = |dims: &[i64]| output("probabilities", Datatype::Fp32, dims);
        let cases = [
            (vec![label(), probabilities(&[-1, 2])], [Some(Role::Label), Some(Role::Probabilities)]),
            (vec![label(), probabilities(&[-1])], [None, None]),
            (vec![label(), output("scores", Datatype::Fp32, &[-1, 2])], [None, None]),
            (vec![output("label", Datatype::Fp32, &[-1]), probabilities(&[-1, 2])], [None, None]),
        ];
        for (outputs, expected) in cases {
            let roles: Vec<_> = assigned(vec![], None, outputs.clone()).iter().map(|output| output.role).collect();
            assert_eq!(roles, expected, "{outputs:?}");
        }
    }
}
