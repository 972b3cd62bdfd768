//! What a model takes and gives.

use super::header::Header;
use super::objective::Kind;
use servoir_types::{Datatype, Label, Role, Shape, Signature, TensorSpec};

/// One matrix of features in; values out, or labels with probabilities, named as converters to ONNX name them.
pub fn of(header: &Header) -> Signature {
    let mut input = TensorSpec::new("input", Datatype::Fp64, rows_of(header.names.len()));
    input.feature_names = (!are_placeholders(&header.names)).then(|| header.names.clone());
    input.accepts_missing = true;
    let outputs = match header.objective.kind {
        Kind::Values => vec![TensorSpec::new("variable", Datatype::Fp64, rows_of(header.outputs))],
        Kind::Binary => classifier(2),
        Kind::Classes => classifier(header.outputs),
    };
    Signature { inputs: vec![input], outputs }
}

fn classifier(classes: usize) -> Vec<TensorSpec> {
    let mut label = TensorSpec::new("label", Datatype::Int64, Shape::ranked([-1]));
    label.role = Some(Role::Label);
    let mut probabilities = TensorSpec::new("probabilities", Datatype::Fp64, rows_of(classes));
    probabilities.role = Some(Role::Probabilities);
    probabilities.classes = Some((0..).take(classes).map(Label::Int).collect());
    vec![label, probabilities]
}

fn rows_of(width: usize) -> Shape {
    Shape::ranked([-1, i64::try_from(width).unwrap_or(i64::MAX)])
}

/// Whether the names are those that LightGBM gives to columns that have none.
fn are_placeholders(names: &[String]) -> bool {
    names.iter().enumerate().all(|(column, name)| *name == format!("Column_{column}"))
}
