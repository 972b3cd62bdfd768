//! The plain JSON way: rows in, predictions out.

mod answer;
mod body;
mod inputs;
mod outcome;
mod prediction_id;

pub use answer::{Answer, Predictions};
pub use body::{Asked, Entities};
pub use outcome::{ClassCode, Outcome};
pub use prediction_id::{ID_BYTES, IdReader, IssuedIds, Predicted, PredictionIds};
