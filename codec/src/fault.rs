//! Why a body does not become the tensors of a model, and which answer each reason gets.

use crate::json::element::ElementError;
use crate::json::{RANK_MAX, excerpt};
use crate::model::Model;
use servoir_types::{Kind, TensorSpec};
use std::fmt;

/// How many names a message lists.
const NAMES_MAX: usize = 20;

/// Why a body does not become the tensors of a model. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum Fault {
    #[error("the body is not JSON: {0}")]
    Syntax(String),
    #[error("{0}")]
    Form(String),
    #[error("{place}: {detail}")]
    Structure { place: Place, detail: String },
    #[error("{pointer}: {detail}")]
    Field { pointer: String, detail: String },
    #[error("{0}: lists are nested deeper than {max} levels", max = RANK_MAX)]
    TooDeep(String),
    #[error("{place} has {got} values where the ones before have {expected}; the lists of a tensor are equally long")]
    Ragged { place: Place, got: usize, expected: usize },
    #[error("{place}: the shape says {expected} here, the data has {got}")]
    ShapeDisagrees { place: Place, got: usize, expected: usize },
    #[error("{place}: {error}")]
    Element { place: Place, error: ElementError },
    #[error("{place} has {got} values, {model} takes {expected}")]
    Length { place: Place, got: usize, expected: usize, model: String },
    #[error("input '{input}' of {model} takes {expected} rows, {got} came")]
    RowCount { input: String, model: String, got: usize, expected: usize },
    #[error("input '{input}' of {model} has shape {shape}; {got} came")]
    Rank { input: String, model: String, shape: String, got: String },
    #[error("row {row} lacks {}; {model} has no missing value for it", quoted(.names))]
    MissingFeatures { row: usize, names: Vec<String>, model: String },
    #[error("row {row}: {model} has no feature '{name}'{}", suggestion(.nearest))]
    UnknownFeature { row: usize, name: String, nearest: Option<String>, model: String },
    #[error("{0}")]
    RowsByName(String),
    #[error("inputs: {model} also needs {}", quoted(.names))]
    MissingInputs { names: Vec<String>, model: String },
    #[error("inputs: {model} has no input '{name}'{}", suggestion(.nearest))]
    UnknownInput { name: String, nearest: Option<String>, model: String },
    #[error("{field}: no rows came; send at least one")]
    NoRows { field: &'static str },
    #[error("{0}")]
    NotRepresentable(String),
    #[error("{0}")]
    Defect(String),
    #[error("more than {max} rows came, the most that may wait for this model; send them in several requests")]
    TooManyRows { max: usize },
}

/// Where in the request a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The input's or feature's name with its noun: `input 'x'`.
    pub tensor: String,
    /// The row, from 0; `None` when the values came flat.
    pub row: Option<usize>,
    /// The value inside the row, or among all when they came flat; from 0.
    pub value: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tensor)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(value) = self.value {
            write!(f, ", value {value}")?;
        }
        Ok(())
    }
}

/// The name among `known` that is most like `name`, when one is like it at all.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const LIKENESS_MIN: f64 = 0.75;
    let scored = known.map(|known| (strsim::jaro_winkler(name, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, known)| known.to_owned())
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean '{name}'?")).unwrap_or_default()
}

fn quoted(names: &[String]) -> String {
    let mut list = names.iter().take(NAMES_MAX).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES_MAX {
        list.push_str(&format!(" and {} more", names.len() - NAMES_MAX));
    }
    list
}

impl Fault {
    /// [`Fault::Rank`]: `got` came for an input of a model.
    pub fn rank(spec: &TensorSpec, model: Model<'_>, got: impl Into<String>) -> Self {
        let (input, shape) = (spec.name.clone(), spec.shape.to_string());
        Self::Rank { input, model: model.to_string(), shape, got: got.into() }
    }

    /// [`Fault::UnknownInput`]: a model has no input of this name.
    pub fn unknown_input(name: &str, model: Model<'_>) -> Self {
        let nearest = nearest(name, model.signature.inputs.iter().map(|input| input.name.as_str()));
        Self::UnknownInput { name: excerpt(name), nearest, model: model.to_string() }
    }

    /// The kind, which chooses the status.
    pub const fn kind(&self) -> Kind {
        self.class().0
    }

    /// Stable, kebab-case.
    pub const fn code(&self) -> &'static str {
        self.class().1
    }

    const fn class(&self) -> (Kind, &'static str) {
        match self {
            Self::Syntax(_) => (Kind::Malformed, "not-json"),
            Self::Form(_) | Self::Structure { .. } | Self::TooDeep(_) => (Kind::Malformed, "wrong-form"),
            Self::Element { error: ElementError::Text(_), .. } => (Kind::Malformed, "wrong-form"),
            Self::Field { .. } => (Kind::Malformed, "validation"),
            Self::Ragged { .. } | Self::ShapeDisagrees { .. } => (Kind::Malformed, "shape-disagrees"),
            Self::NoRows { .. } => (Kind::Malformed, "no-rows"),
            Self::Element { .. } => (Kind::Unprocessable, "wrong-value"),
            Self::Length { .. }
            | Self::RowCount { .. }
            | Self::Rank { .. }
            | Self::MissingInputs { .. }
            | Self::UnknownInput { .. } => (Kind::Unprocessable, "input-mismatch"),
            Self::MissingFeatures { .. } => (Kind::Unprocessable, "missing-feature"),
            Self::UnknownFeature { .. } => (Kind::Unprocessable, "unknown-feature"),
            Self::RowsByName(_) => (Kind::Unprocessable, "rows-by-name"),
            Self::NotRepresentable(_) => (Kind::Unprocessable, "not-representable"),
            Self::Defect(_) => (Kind::Internal, "internal"),
            Self::TooManyRows { .. } => (Kind::TooLarge, "too-many-rows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_named_when_it_is_near() {
        let known = ["tenure", "charges", "plan"];
        for (name, expected) in [("tenur", Some("tenure")), ("charge", Some("charges")), ("zzz", None)] {
            assert_eq!(nearest(name, known.into_iter()).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<_> = (0..22).map(|n| format!("f{n}")).collect();
        assert_eq!(quoted(&names[..2]), "'f0', 'f1'");
        assert!(quoted(&names).ends_with("'f19' and 2 more"));
    }
}
