//! Servoir, a model server with a registry built in: everything that speaks a protocol.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
mod data_threads;
mod descriptors;
pub mod error;
mod gpus;
pub mod grpc;
mod hardware;
pub mod http;
mod kept;
pub mod models_dir;
pub mod monitoring;
mod preflight;
pub mod readiness;
pub mod reconcile;
pub mod serve;
pub mod telemetry;
pub mod training;
mod tuning;
pub mod ws;
