//! The columns of outputs: a classifier's label, confidence and probabilities, and other outputs under their names.

use super::{Place, Source, is_table, summaries, width};
use crate::baseline::Measure;
use servoir_types::{Label, Role, TensorSpec};

/// The most classes whose probabilities are columns, each alone.
pub const CLASSES_MAX: usize = 50;

/// The columns of a model's outputs.
pub fn of(outputs: &[TensorSpec]) -> Vec<Place> {
    let with_role = |role| outputs.iter().position(|spec| spec.role == Some(role));
    let (label, probabilities) = (with_role(Role::Label), with_role(Role::Probabilities));
    if label.is_none() && probabilities.is_none() {
        return outputs.iter().enumerate().flat_map(|(tensor, spec)| plain(spec, tensor)).collect();
    }
    let number = |name: &str, source| place(name, false, source);
    let mut places = Vec::new();
    let classes = probabilities.and_then(|tensor| outputs[tensor].classes.as_deref()).unwrap_or_default();
    match (label, probabilities) {
        (Some(tensor), _) => places.push(place("label", true, Source::Element { tensor, column: 0 })),
        (None, Some(tensor)) if !classes.is_empty() => {
            places.push(place("label", true, Source::Best(tensor, classes.to_vec())));
        }
        _ => {}
    }
    if let Some(tensor) = probabilities {
        places.push(number("confidence", Source::Greatest(tensor)));
        for (column, class) in classes.iter().enumerate().take(CLASSES_MAX) {
            let name = format!("probabilities.{}", text(class));
            places.push(number(&name, Source::Element { tensor, column }));
        }
    }
    places
}

fn place(name: &str, is_category: bool, source: Source) -> Place {
    Place { name: name.to_owned(), measure: Measure::Value, is_category, source }
}

/// An output without a meaning that is known.
fn plain(spec: &TensorSpec, tensor: usize) -> Vec<Place> {
    match width(spec) {
        Some(1) => vec![Place::element(spec.name.clone(), spec, (tensor, 0))],
        Some(width) if is_table(spec, width) => {
            let name = |column| format!("{}[{column}]", spec.name);
            (0..width).map(|column| Place::element(name(column), spec, (tensor, column))).collect()
        }
        _ => summaries(spec, tensor),
    }
}

/// A class as text.
fn text(class: &Label) -> String {
    match class {
        Label::Int(number) => number.to_string(),
        Label::Text(text) => text.clone(),
    }
}
