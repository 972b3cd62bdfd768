//! From the columns of a table to matrices of numbers: features are chosen, rows are split, and what is fitted is fitted
//! on the training rows alone, in the arithmetic in which the ONNX model will compute it.

pub mod categories;
pub mod error;
pub mod features;
pub mod matrix;
pub mod pipeline;
pub mod random;
pub mod scaling;
pub mod split;
pub mod target;
