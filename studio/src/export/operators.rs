//! The operators of a learner: from the matrix to the answers.

use super::ensemble;
use super::graph::{Constant, Writer, int, ints, text, texts};
use super::proto::{Attribute, Element};
use crate::train::model::{Linear, Sums, Trees};

/// A classifier's classes.
#[derive(Debug, Clone, Copy)]
pub struct Classes<'a> {
    /// In the order of the probabilities.
    pub names: &'a [String],
    /// Whether they are given as integers.
    pub are_integers: bool,
}

impl Classes<'_> {
    /// They were integers before they were named.
    fn integers(self) -> Vec<i64> {
        self.names.iter().map(|name| name.parse().unwrap_or_default()).collect()
    }

    fn attribute(self) -> Attribute {
        if self.are_integers {
            ints("classlabels_int64s", self.integers())
        } else {
            texts("classlabels_strings", self.names.iter().map(String::as_str))
        }
    }

    fn constant(self) -> Constant {
        if self.are_integers { Constant::Integers(self.integers()) } else { Constant::Texts(self.names.to_vec()) }
    }
}

/// Writes trees.
pub fn trees(writer: &mut Writer, matrix: String, trees: &Trees, classes: Option<Classes<'_>>, outputs: Vec<String>) {
    let Some(classes) = classes else {
        let mut attributes = ensemble::attributes(trees, "target");
        attributes.extend([int("n_targets", 1), text("post_transform", "NONE")]);
        return writer.node_to("TreeEnsembleRegressor", vec![matrix], outputs, attributes);
    };
    let transform = match trees.sums {
        Sums::Logit => "LOGISTIC",
        Sums::Logits => "SOFTMAX",
        Sums::Number | Sums::Share | Sums::Shares => "NONE",
    };
    let mut attributes = ensemble::attributes(trees, "class");
    attributes.extend([classes.attribute(), text("post_transform", transform)]);
    writer.node_to("TreeEnsembleClassifier", vec![matrix], outputs, attributes);
}

/// Writes weighted sums. They are computed with 64 bits: with 32, a number that is large for its column would cost the sum
/// the digits that the probabilities are made of.
pub fn linear(
    writer: &mut Writer,
    matrix: String,
    linear: &Linear,
    classes: Option<Classes<'_>>,
    outputs: Vec<String>,
) {
    let (columns, sums) = (linear.weights.first().map_or(0, Vec::len), linear.weights.len());
    let by_column = (0..columns).flat_map(|column| linear.weights.iter().map(move |weights| weights[column]));
    let weights = writer.constant("weights", &[columns, sums], Constant::Doubles(by_column.collect()));
    let intercepts = writer.constant("intercepts", &[sums], Constant::Doubles(linear.intercepts.clone()));
    let wide = writer.node("Cast", vec![matrix], vec![int("to", Element::Double as i64)]);
    let product = writer.node("MatMul", vec![wide, weights], Vec::new());
    let mut answers = writer.node("Add", vec![product, intercepts], Vec::new());
    let narrow = vec![int("to", Element::Float as i64)];
    let Some(classes) = classes else { return writer.node_to("Cast", vec![answers], outputs, narrow) };
    answers = writer.node("Softmax", vec![answers], vec![int("axis", 1)]);
    let [label, probabilities] = [0, 1].map(|at| outputs.get(at).cloned().unwrap_or_default());
    writer.node_to("Cast", vec![answers], vec![probabilities.clone()], narrow);
    let largest = writer.node("ArgMax", vec![probabilities], vec![int("axis", 1), int("keepdims", 0)]);
    let names = writer.constant("classes", &[classes.names.len()], classes.constant());
    let named = writer.node("ArrayFeatureExtractor", vec![names, largest], Vec::new());
    let list = writer.constant("list", &[1], Constant::Integers(vec![-1]));
    writer.node_to("Reshape", vec![named, list], vec![label], Vec::new());
}
