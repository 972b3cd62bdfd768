//! What the end-to-end suites stand on: a whole server on real sockets, a client, fixtures and load.
//!
//! The suites need what `cargo xtask test` sets up (ONNX Runtime, fixtures, PostgreSQL, the built binary) and say so when
//! it is missing.

pub mod api;
pub mod authority;
pub mod environment;
pub mod fixture;
#[allow(clippy::all)] // generated
pub mod grpc_client;
pub mod load;
pub mod matrix;
pub mod postgres;
pub mod process;
pub mod python;
pub mod server;
pub mod skips;
pub mod token;
pub mod trees;
