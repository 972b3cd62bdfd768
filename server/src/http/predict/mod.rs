//! The data plane: `/v1/predict/…` and `/v2/…`.
//!
//! A request is matched ([`Target`]), its caller checked, and answered by the folder of its protocol. Both protocols
//! decode straight into the tensors that the model takes (the crate `servoir-codec`); nothing here touches a database, disk or
//! network.

mod answer;
mod call;
mod compression;
mod document;
pub mod lookup;
mod media;
mod model_document;
pub mod names;
mod target;
mod v1;
pub mod v2;

pub use answer::{answer, describe, registry_twin};
pub use call::{Call, How};
pub use document::{DataPlane, PredictRequest, PredictResponse};
pub use target::Target;
