//! Compute kernels. Each has a scalar form that defines the answer, and faster forms for what the processor has, or a device
//! beside it; one suite holds all of them to the same bits.

// Unit tests share what the suites make forests with, and that knows this crate by its name.
#[cfg(test)]
extern crate self as servoir_kernels;

pub mod bins;
pub mod cuda;
mod plain;
mod tier;
pub mod trees;

pub use tier::Tier;
