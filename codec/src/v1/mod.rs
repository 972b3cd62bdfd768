//! The plain JSON way: rows in, predictions out.

mod answer;
mod body;
mod inputs;

pub use answer::{Answer, Predictions};
pub use body::Asked;
