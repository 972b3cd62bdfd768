//! The statistics themselves: of shares, of counts, of sorted samples, and their p-values.

pub mod chi_square;
pub mod histogram;
pub mod kolmogorov;
pub mod reason;
pub mod samples;
pub mod shares;
pub mod two_sample;
