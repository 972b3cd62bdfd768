//! The file.

use super::graph::Writer;
use super::operators::{self, Classes};
use super::preparation;
use super::proto::{Element, Model as File, OperatorSet};
use crate::prepare::features::Feature;
use crate::prepare::pipeline::Pipeline;
use crate::prepare::target::Target;
use crate::train::model::Model;
use prost::Message;

/// The version of the format.
const IR_VERSION: i64 = 8;

/// The operators' versions.
const OPERATORS: [(&str, i64); 2] = [("", 17), ("ai.onnx.ml", 3)];

/// A model with its preparation, as an ONNX file.
pub fn onnx(features: &[Feature], pipeline: &Pipeline, model: &Model, target: &Target) -> Vec<u8> {
    let classes = Classes { names: &target.classes, are_integers: target.are_integers };
    let classes = (!target.classes.is_empty()).then_some(classes);
    let mut writer = Writer::default();
    let matrix = preparation::write(&mut writer, features, pipeline);
    let outputs = match classes {
        Some(classes) => {
            let label = if classes.are_integers { Element::Int64 } else { Element::String };
            let width = i64::try_from(classes.names.len()).ok();
            vec![writer.output("label", label, &[None]), writer.output("probabilities", Element::Float, &[None, width])]
        }
        None => vec![writer.output("variable", Element::Float, &[None, Some(1)])],
    };
    match model {
        Model::Trees(trees) => operators::trees(&mut writer, matrix, trees, classes, outputs),
        Model::Linear(linear) => operators::linear(&mut writer, matrix, linear, classes, outputs),
    }
    let mut graph = writer.finish();
    graph.name = "model".into();
    let file = File {
        ir_version: IR_VERSION,
        producer_name: "servoir".into(),
        graph: Some(graph),
        opset_import: OPERATORS.map(|(domain, version)| OperatorSet { domain: domain.into(), version }).into(),
    };
    file.encode_to_vec()
}
