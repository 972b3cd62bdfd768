//! The Open Inference Protocol over gRPC, with health and reflection, on the port of everything else.
//!
//! tonic's services run inside our own connections. Credentials, metrics, the log line and the words of errors are the
//! outermost layer's, as for every other request.

mod access;
mod body;
mod call;
mod config;
mod deadline;
mod describe;
mod health;
mod infer;
mod inference;
mod message;
mod messages;
mod reflection;
mod repository;
#[allow(clippy::all)] // generated; the .proto files are the documentation
mod service;
mod services;
mod settings;
mod status;
mod stream;

pub use services::{Services, is_call, not_here};
pub use status::render;
