//! What models of trees take and give, whatever the format, named as converters to ONNX name it.

use servoir_types::{Datatype, Label, Role, Shape, Signature, TensorSpec};

/// What becomes of the sums, as far as a signature shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// So many values.
    Values(usize),
    /// The label of one of two classes, and nothing of how likely it is.
    Label,
    /// A label, and the probabilities of so many classes.
    Classes(usize),
}

/// One matrix of `width` features, of which some may be missing, in; what `gives` says out. Names are of no use where there
/// are none.
pub fn of(datatype: Datatype, (width, names): (usize, Option<Vec<String>>), gives: Gives) -> Signature {
    let mut input = TensorSpec::new("input", datatype, rows_of(width));
    input.feature_names = names;
    input.accepts_missing = true;
    let outputs = match gives {
        Gives::Values(width) => vec![TensorSpec::new("variable", datatype, rows_of(width))],
        Gives::Label => vec![label()],
        Gives::Classes(classes) => vec![label(), probabilities(datatype, classes)],
    };
    Signature { inputs: vec![input], outputs }
}

fn label() -> TensorSpec {
    let mut label = TensorSpec::new("label", Datatype::Int64, Shape::ranked([-1]));
    label.role = Some(Role::Label);
    label
}

fn probabilities(datatype: Datatype, classes: usize) -> TensorSpec {
    let mut probabilities = TensorSpec::new("probabilities", datatype, rows_of(classes));
    probabilities.role = Some(Role::Probabilities);
    probabilities.classes = Some((0..).take(classes).map(Label::Int).collect());
    probabilities
}

fn rows_of(width: usize) -> Shape {
    Shape::ranked([-1, i64::try_from(width).unwrap_or(i64::MAX)])
}
