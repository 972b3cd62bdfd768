//! Which columns a model's tensors have: what can be counted or recorded of them, and under which names.

mod outputs;

use crate::baseline::Measure;
use servoir_types::{Datatype, Label, Signature, TensorSpec};

/// A tensor `[rows, columns]` without names of its columns is a table up to this width; a wider one is an embedding.
pub const TABLE_COLUMNS_MAX: usize = 256;

/// The columns of a model's inputs and outputs, in the model's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Of the inputs.
    pub features: Vec<Place>,
    /// Of the outputs.
    pub outputs: Vec<Place>,
    /// The only input, when nothing but position tells its columns apart.
    pub(crate) unnamed: bool,
}

/// A column of a model's tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name in a baseline.
    pub name: String,
    /// What is taken of the tensor.
    pub measure: Measure,
    /// Whether it is texts or classes, and not numbers.
    pub is_category: bool,
    /// Where it is.
    pub source: Source,
}

/// Where a column is.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// One element of each row of a tensor.
    Element {
        /// Which tensor, from 0.
        tensor: usize,
        /// Which element of a row, from 0.
        column: usize,
    },
    /// The Euclidean norm of each row.
    Norm(usize),
    /// The mean of each row.
    Mean(usize),
    /// The greatest element of each row.
    Greatest(usize),
    /// The class of the greatest element of each row; of equals the first.
    Best(usize, Vec<Label>),
}

impl Source {
    /// Which tensor it is in, from 0.
    pub fn tensor(&self) -> usize {
        match self {
            Self::Element { tensor, .. } | Self::Norm(tensor) | Self::Mean(tensor) => *tensor,
            Self::Greatest(tensor) | Self::Best(tensor, _) => *tensor,
        }
    }
}

impl Layout {
    /// Of a model.
    pub fn of(signature: &Signature) -> Self {
        let mut features = Vec::new();
        for (tensor, spec) in signature.inputs.iter().enumerate() {
            match width(spec) {
                Some(1) if names(spec).is_none() => features.push(Place::element(spec.name.clone(), spec, (tensor, 0))),
                Some(width) if is_table(spec, width) => {
                    let name = |column: usize| match names(spec) {
                        Some(names) => names[column].clone(),
                        None => format!("{}[{column}]", spec.name),
                    };
                    features.extend((0..width).map(|column| Place::element(name(column), spec, (tensor, column))));
                }
                _ => features.extend(summaries(spec, tensor)),
            }
        }
        let unnamed = matches!(signature.inputs.as_slice(), [only] if names(only).is_none());
        Self { features, outputs: outputs::of(&signature.outputs), unnamed }
    }
}

impl Place {
    fn element(name: String, spec: &TensorSpec, (tensor, column): (usize, usize)) -> Self {
        let is_category = spec.datatype == Datatype::Bytes;
        Self { name, measure: Measure::Value, is_category, source: Source::Element { tensor, column } }
    }
}

/// What is counted of a tensor that is no table: the norm and the mean of each row. Nothing of texts.
fn summaries(spec: &TensorSpec, tensor: usize) -> Vec<Place> {
    let place = |measure, source| Place { name: spec.name.clone(), measure, is_category: false, source };
    match spec.datatype {
        Datatype::Bytes => Vec::new(),
        _ => vec![place(Measure::Norm, Source::Norm(tensor)), place(Measure::Mean, Source::Mean(tensor))],
    }
}

/// Elements of a row, when the shape says it; a tensor that is only rows has one each.
fn width(spec: &TensorSpec) -> Option<usize> {
    match spec.shape.dims()? {
        [] | [_] => Some(1),
        [_, columns] => usize::try_from(*columns).ok(),
        _ => None,
    }
}

/// The names of a tensor's columns, when there is one for each.
fn names(spec: &TensorSpec) -> Option<&[String]> {
    spec.feature_names.as_deref().filter(|names| Some(names.len()) == width(spec))
}

fn is_table(spec: &TensorSpec, width: usize) -> bool {
    width <= TABLE_COLUMNS_MAX || names(spec).is_some()
}
