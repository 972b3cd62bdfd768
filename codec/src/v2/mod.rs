//! The Open Inference Protocol, version 2: tensors in, tensors out.

mod answer;
mod binary;
pub(crate) mod classification;
pub(crate) mod expected;
mod input;
mod outputs;
pub(crate) mod parameters;
mod request;

pub use answer::{Answer, Written};
pub use outputs::{Outputs, Wanted};
pub use request::Asked;
