//! A trained model with its preparation as one ONNX file: columns go in as they are in the dataset, answers come out.
//!
//! One input per feature, `[-1, 1]`, named like its column: 32-bit numbers (missing: NaN), or texts (missing: empty). A
//! classifier gives `label` `[-1]` (64-bit integers when all classes are that, else texts) and `probabilities`
//! `[-1, classes]`; a regression gives `variable` `[-1, 1]`. Operators are those of ai.onnx 17 and ai.onnx.ml 3.

mod ensemble;
mod graph;
pub mod model;
mod operators;
mod preparation;
pub mod proto;
