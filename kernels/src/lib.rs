//! Compute kernels. Each has a scalar form that defines the answer, and faster forms for what the processor has; one suite
//! holds all of them to the same bits.

pub mod bins;
mod tier;
pub mod trees;

pub use tier::Tier;
