//! What a model takes and gives: names, datatypes and shapes of its inputs and outputs.

mod change;

pub use change::{BreakingChange, Side};

use super::Datatype;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A model's inputs and outputs, in the model's own order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Signature {
    /// What must be given.
    pub inputs: Vec<TensorSpec>,
    /// What is given back.
    pub outputs: Vec<TensorSpec>,
}

/// One input or output of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TensorSpec {
    /// The name inside the model.
    pub name: String,
    /// The element type.
    pub datatype: Datatype,
    /// The dimensions.
    pub shape: Shape,
    /// Names of the columns of a `[rows, features]` input, when the model carries them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_names: Option<Vec<String>>,
    /// Whether NaN stands for a missing value that the model knows how to handle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepts_missing: bool,
    /// What the output means, when the model's graph or metadata tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The class that each column of a [`Role::Probabilities`] output stands for, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Label>>,
}

impl TensorSpec {
    /// A tensor of which only name, datatype and shape are known.
    pub fn new(name: impl Into<String>, datatype: Datatype, shape: Shape) -> Self {
        Self {
            name: name.into(),
            datatype,
            shape,
            feature_names: None,
            accepts_missing: false,
            role: None,
            classes: None,
        }
    }
}

/// The meaning of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The predicted class of each row: shape `[rows]` or `[rows, 1]`.
    Label,
    /// The probability of each class: shape `[rows, classes]`.
    Probabilities,
}

/// A class of a classifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)] // the two JSON types cannot be mistaken for one another
pub enum Label {
    /// A class known by number.
    Int(i64),
    /// A class known by name.
    Text(String),
}

/// The dimensions that a model declares for a tensor.
///
/// Serialised as a list in which -1 is a free dimension, or `null` when the model does not even declare the rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(Option<Vec<i64>>);

impl Shape {
    /// Known rank; -1 stands for a dimension that may have any length.
    pub fn ranked(dims: impl Into<Vec<i64>>) -> Self {
        Self(Some(dims.into()))
    }

    /// Any rank.
    pub const fn unranked() -> Self {
        Self(None)
    }

    /// The dimensions, -1 for a free one; `None` when the rank is free too.
    pub fn dims(&self) -> Option<&[i64]> {
        self.0.as_deref()
    }

    /// Whether a tensor of these dimensions is one of those declared.
    pub fn admits(&self, dims: &[usize]) -> bool {
        let Some(declared) = &self.0 else { return true };
        declared.len() == dims.len()
            && declared.iter().zip(dims).all(|(&want, &got)| want < 0 || usize::try_from(want) == Ok(got))
    }

    /// Whether the first dimension is free, so that rows of several requests can be stacked along it.
    pub fn is_batchable(&self) -> bool {
        self.0.as_deref().is_some_and(|dims| dims.first().is_some_and(|&first| first < 0))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(dims) => write!(f, "{dims:?}"),
            None => f.write_str("[any rank]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_admit_what_they_declare() {
        let cases: [(Shape, &[usize], bool); 7] = [
            (Shape::ranked([-1, 3]), &[5, 3], true),
            (Shape::ranked([-1, 3]), &[0, 3], true),
            (Shape::ranked([-1, 3]), &[5, 4], false),
            (Shape::ranked([-1, 3]), &[5], false),
            (Shape::ranked([]), &[], true),
            (Shape::ranked([]), &[1], false),
            (Shape::unranked(), &[1, 2, 3], true),
        ];
        for (shape, dims, expected) in cases {
            assert_eq!(shape.admits(dims), expected, "{shape} {dims:?}");
        }
    }

    #[test]
    fn a_signature_reads_back_what_it_wrote() {
        let mut output = TensorSpec::new("p", Datatype::Fp32, Shape::unranked());
        output.role = Some(Role::Probabilities);
        output.classes = Some(vec![Label::Int(0), Label::Text("yes".into())]);
        let signature = Signature {
            inputs: vec![TensorSpec::new("x", Datatype::Int64, Shape::ranked([-1, 2]))],
            outputs: vec![output],
        };
        let text = serde_json::to_string(&signature).unwrap();
        assert!(text.contains(r#""shape":[-1,2]"#) && text.contains(r#""classes":[0,"yes"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Signature>(&text).unwrap(), signature);
    }
}
