//! Compute kernels. Each has a scalar form that defines the answer, and faster forms for what the processor has, or a device
//! beside it; one suite holds all of them to the same bits.

pub mod bins;
pub mod cuda;
mod plain;
mod tier;
pub mod trees;

pub use tier::Tier;
