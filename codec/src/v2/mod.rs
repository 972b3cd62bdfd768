//! The Open Inference Protocol, version 2: tensors in, tensors out.

mod answer;
mod classification;
mod parameters;
mod request;

pub use answer::Answer;
pub use request::{Asked, Wanted};
