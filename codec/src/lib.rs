//! The wire forms of predictions: bodies to typed tensors and tensors to bodies, without a tree in between.
//!
//! Nothing here waits, runs a model or knows a socket. What a body may hold is decided by the [`Model`] that it is for; what
//! is wrong with one is a [`Fault`], which says where it is, what was expected and what came.

pub mod entity;
mod fault;
pub mod grpc;
mod inputs;
mod json;
mod model;
pub mod raw;
pub mod v1;
pub mod v2;

pub use fault::{Fault, Place};
pub use json::element::ElementError;
pub use model::Model;
