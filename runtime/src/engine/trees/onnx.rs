//! ONNX files whose every node is one that is computed here: an ensemble of trees, and steps before and after it.
//!
//! What is computed is what ONNX Runtime computes, where it is odd too. What is odder than that is left to it.

mod arithmetic;
mod attributes;
mod cast;
mod categories;
mod columns;
mod constant;
mod ensemble;
mod grow;
mod head;
mod listed;
mod number;
mod operators;
mod parallel;
mod plan;
mod program;
mod rows;
mod steps;
#[cfg(test)]
mod tests;
mod transform;

use super::features::Matrix;
use super::model::{Features, Loaded, Model};
use crate::onnx::{self, proto};
use attributes::{Attributes, called};
use bytes::Bytes;
use ensemble::targets;
use head::Head;
use number::Number;
use operators::Shape;
use plan::{Gives, Plan};
use program::{Columns, Finish, Labels};
use servoir_types::{Datatype, Signature};
use std::path::Path;

/// The largest file that is looked at for trees, in bytes; what is larger has weights of another kind.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The most characters of a reason: it may quote names of any length.
const REASON_CHARS_MAX: usize = 500;

/// Reads a model. The reason why not names the first node that is not known.
pub fn read(path: &Path, signature: Signature) -> Result<Loaded, String> {
    read_file(path, signature).map_err(|reason| match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &reason[..end]),
        None => reason,
    })
}

fn read_file(path: &Path, signature: Signature) -> Result<Loaded, String> {
    let file_bytes = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if file_bytes > FILE_BYTES_MAX {
        return Err(format!(
            "the file has {file_bytes} bytes, more than the {FILE_BYTES_MAX} that are looked at for trees"
        ));
    }
    let (model, _) = onnx::decode(path).map_err(|error| error.found)?;
    if let Some(function) = model.functions.first() {
        return Err(format!("this ONNX file defines an operator of its own, '{}'", function.name));
    }
    let graph = model.graph.as_ref().ok_or("this ONNX file has no graph")?;
    load(graph, signature)
}

fn load(graph: &proto::Graph, signature: Signature) -> Result<Loaded, String> {
    let mut plan = plan::plan(graph, &signature, gives)?;
    let (node, shape) = (plan.ensemble, plan.shape.clone());
    let is_double = shape.datatype == Datatype::Fp64;
    if matches!(shape.datatype, Datatype::Int64 | Datatype::Int32) {
        let cast = cast::Cast::new(shape.datatype, Datatype::Fp32)?;
        plan.matrix = plan.before.push_map(plan.matrix, Box::new(cast));
    }
    let named = |reason| format!("{}: {reason}", called(node));
    if is_double {
        assemble(plan, signature).map(Loaded::Double).map_err(named)
    } else {
        assemble(plan, signature).map(Loaded::Single).map_err(named)
    }
}

/// The three operators of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Classifier,
    Regressor,
    Ensemble,
}

fn operator(node: &proto::Node) -> Option<Operator> {
    match (node.domain.as_str(), node.op_type.as_str()) {
        ("ai.onnx.ml", "TreeEnsembleClassifier") => Some(Operator::Classifier),
        ("ai.onnx.ml", "TreeEnsembleRegressor") => Some(Operator::Regressor),
        ("ai.onnx.ml", "TreeEnsemble") => Some(Operator::Ensemble),
        _ => None,
    }
}

/// What a node gives for a matrix, when it is one of trees.
fn gives(node: &proto::Node, matrix: &Shape) -> Result<Option<Gives>, String> {
    let Some(operator) = operator(node) else { return Ok(None) };
    let attributes = Attributes(node);
    let is_float = matches!(matrix.datatype, Datatype::Fp32 | Datatype::Fp64);
    let is_integer = matches!(matrix.datatype, Datatype::Int64 | Datatype::Int32);
    if matrix.dims.len() != 1 || !(is_float || (is_integer && operator == Operator::Classifier)) {
        return Err(format!("it is given {:?} in rows of {:?}", matrix.datatype, matrix.dims));
    }
    let (labels, datatype, count) = match operator {
        Operator::Classifier => {
            let labels = labels(attributes)?;
            (labels.datatype(), Datatype::Fp32, i64::try_from(labels.count()).unwrap_or(i64::MAX))
        }
        Operator::Regressor => (None, Datatype::Fp32, attributes.int("n_targets", 0)),
        Operator::Ensemble => (None, matrix.datatype, attributes.int("n_targets", 0)),
    };
    Ok(Some(Gives { labels, scores: Shape { datatype, dims: vec![targets(count)?] } }))
}

/// The classes of a classifier.
fn labels(attributes: Attributes<'_>) -> Result<Labels, String> {
    match (attributes.ints("classlabels_int64s"), attributes.strings("classlabels_strings")) {
        (ints, []) => Ok(Labels::Ints(ints.to_vec())),
        ([], texts) => Ok(Labels::Texts(texts.iter().map(|text| Bytes::copy_from_slice(text)).collect())),
        _ => Err("its classes are numbers and texts".into()),
    }
}

fn assemble<N: Number>(plan: Plan<'_>, signature: Signature) -> Result<Model<N, N>, String>
where
    Matrix: Features<N>,
{
    let Plan { ensemble: node, mut matrix, shape, mut before, after, outputs } = plan;
    let attributes = Attributes(node);
    let (ensemble, head, labels, keeps_precision) = match operator(node) {
        Some(Operator::Classifier) => {
            let labels = labels(attributes)?;
            let weights = parallel::Weights { prefix: "class", targets: labels.count() };
            let ensemble = parallel::read(attributes, &weights)?;
            let head = Head::classifier(&ensemble)?;
            (ensemble, head, labels, false)
        }
        Some(Operator::Regressor) => {
            let weights = parallel::Weights { prefix: "target", targets: targets(attributes.int("n_targets", 0))? };
            let ensemble = parallel::read(attributes, &weights)?;
            let head = Head::regressor(&ensemble)?;
            (ensemble, head, Labels::None, false)
        }
        _ => {
            let ensemble = listed::read(attributes)?;
            let head = Head::regressor(&ensemble)?;
            (ensemble, head, Labels::None, true)
        }
    };
    let columns = shape.width();
    let planted = grow::plant::<N>(&ensemble, columns, head.sums())?;
    if !planted.whole.is_empty() {
        matrix = before.push_map(matrix, Box::new(rows::AddWhole { of: planted.whole, width: columns }));
    }
    before.finish(&[matrix]);
    // The trees look at the only input itself, or at what steps make.
    let features: Box<dyn Features<N>> = if before.is_empty() && signature.inputs.len() == 1 {
        Box::new(Matrix)
    } else {
        Box::new(Columns { steps: before, matrix })
    };
    let outcome = Box::new(Finish { head, labels, keeps_precision, steps: after, outputs });
    Ok(Model { signature, features, forest: planted.forest, outcome })
}
