//! The Studio: from a table to a model. Datasets are read and profiled, runs train in a child process of their own and say
//! live how they are doing, what comes out is an ONNX model with its preparation inside, and what it is worth is computed
//! once and kept.
//!
//! Below `worker` everything is plain computation on tables and matrices; `runs` is what starts processes and talks to the
//! registry.

pub mod config;
pub mod dataset;
pub mod evaluate;
pub mod event;
pub mod export;
pub mod job;
pub mod predictions;
pub mod prepare;
pub mod profile;
pub mod runs;
pub mod table;
pub mod task;
pub mod train;
pub mod worker;
