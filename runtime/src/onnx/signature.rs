//! A graph's inputs and outputs as a signature.

use super::proto::{self, TypeValue};
use super::{broken, graph};
use crate::error::Unsupported;
use servoir_types::{Datatype, Label, Role, Shape, Signature, TensorSpec};
use std::collections::HashSet;

/// What to do with values that are no tensors.
const ADVICE: &str = "export the model so that its inputs and outputs are tensors; for scikit-learn give skl2onnx `options={'zipmap': False}`";

/// Reads names, datatypes and shapes. Inputs that have an initializer are constants, not inputs.
pub fn read(graph: &proto::Graph) -> Result<Signature, Unsupported> {
    let constants: HashSet<&str> = graph.initializers.iter().map(|tensor| tensor.name.as_str()).collect();
    let inputs = graph.inputs.iter().filter(|input| !constants.contains(input.name.as_str()));
    let signature = Signature {
        inputs: inputs.map(|input| tensor_spec(input, "input")).collect::<Result<_, _>>()?,
        outputs: graph.outputs.iter().map(|output| output_spec(output, graph)).collect::<Result<_, _>>()?,
    };
    if signature.outputs.is_empty() {
        return Err(broken("this model has no outputs"));
    }
    Ok(signature)
}

fn output_spec(output: &proto::Value, graph: &proto::Graph) -> Result<TensorSpec, Unsupported> {
    let Some(TypeValue::Sequence(sequence)) = output.kind.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return tensor_spec(output, "output");
    };
    match sequence.element.as_ref().and_then(|element| element.value.as_ref()) {
        Some(TypeValue::Map(map)) if is_float_map(map) => Ok(map_spec(output, graph)),
        _ => Err(not_a_tensor(output, "output", "a sequence")),
    }
}

/// A map from integers or strings to 32-bit floats, which is what ZipMap gives for each row.
fn is_float_map(map: &proto::MapType) -> bool {
    let value = map.value.as_ref().and_then(|value| value.value.as_ref());
    matches!(value, Some(TypeValue::Tensor(tensor)) if tensor.element == 1) && matches!(map.key, 7 | 8)
}

/// A sequence of maps from class to probability, given as the matrix that it was made from.
fn map_spec(output: &proto::Value, graph: &proto::Graph) -> TensorSpec {
    let zipmap = graph.nodes.iter().find(|node| node.outputs.contains(&output.name) && graph::is_op(node, &["ZipMap"]));
    let classes = zipmap.and_then(class_labels);
    let columns = classes.as_ref().map_or(-1, |classes| i64::try_from(classes.len()).unwrap_or(-1));
    let mut spec = TensorSpec::new(&output.name, Datatype::Fp32, Shape::ranked([-1, columns]));
    spec.role = Some(Role::Probabilities);
    spec.classes = classes;
    spec
}

/// The classes that a classifier or ZipMap node carries.
pub fn class_labels(node: &proto::Node) -> Option<Vec<Label>> {
    let strings = ["classlabels_strings"].iter().find_map(|name| node.attribute(name)).map(|found| &found.strings);
    if let Some(strings) = strings.filter(|strings| !strings.is_empty()) {
        return Some(strings.iter().map(|text| Label::Text(String::from_utf8_lossy(text).into_owned())).collect());
    }
    let ints = ["classlabels_int64s", "classlabels_ints"].iter().find_map(|name| node.attribute(name))?;
    (!ints.ints.is_empty()).then(|| ints.ints.iter().copied().map(Label::Int).collect())
}

fn tensor_spec(value: &proto::Value, what: &str) -> Result<TensorSpec, Unsupported> {
    let kind = match value.kind.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(TypeValue::Tensor(kind)) => kind,
        Some(TypeValue::Sequence(_)) => return Err(not_a_tensor(value, what, "a sequence")),
        Some(TypeValue::Map(_)) => return Err(not_a_tensor(value, what, "a map")),
        Some(TypeValue::SparseTensor(_)) => return Err(not_a_tensor(value, what, "a sparse tensor")),
        Some(TypeValue::Optional(_)) => return Err(not_a_tensor(value, what, "an optional value")),
        None => return Err(broken(format!("{what} '{}' has no type", value.name))),
    };
    let datatype = datatype(kind.element).ok_or_else(|| {
        let element = element_name(kind.element);
        Unsupported::new(
            format!("{what} '{}' has elements of type {element}, which no request can carry", value.name),
            ADVICE,
        )
    })?;
    let shape = kind.shape.as_ref().map_or_else(Shape::unranked, |shape| {
        Shape::ranked(
            shape.dims.iter().map(|dim| dim.value.filter(|&length| length > 0).unwrap_or(-1)).collect::<Vec<_>>(),
        )
    });
    Ok(TensorSpec::new(&value.name, datatype, shape))
}

fn not_a_tensor(value: &proto::Value, what: &str, kind: &str) -> Unsupported {
    Unsupported::new(format!("{what} '{}' is {kind}, not a tensor", value.name), ADVICE)
}

/// The datatype of an ONNX element type, where requests have one.
const fn datatype(element: i32) -> Option<Datatype> {
    Some(match element {
        1 => Datatype::Fp32,
        2 => Datatype::Uint8,
        3 => Datatype::Int8,
        4 => Datatype::Uint16,
        5 => Datatype::Int16,
        6 => Datatype::Int32,
        7 => Datatype::Int64,
        8 => Datatype::Bytes,
        9 => Datatype::Bool,
        10 => Datatype::Fp16,
        11 => Datatype::Fp64,
        12 => Datatype::Uint32,
        13 => Datatype::Uint64,
        16 => Datatype::Bf16,
        _ => return None,
    })
}

fn element_name(element: i32) -> String {
    match element {
        14 => "complex64".into(),
        15 => "complex128".into(),
        17..=20 | 24 => "float8".into(),
        21 | 22 => "int4".into(),
        23 => "float4".into(),
        other => format!("number {other}"),
    }
}
