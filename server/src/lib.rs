//! Servoir, a model server with a registry built in: everything that speaks a protocol.

pub mod config;
pub mod serve;
