//! What all benchmarks need.

pub mod report;
