//! What the benchmarks share: a load generator, the servers that are loaded, and how figures are told.

pub mod bare;
pub mod counted;
pub mod forest;
pub mod listener;
pub mod load;
pub mod process;
pub mod random;
pub mod registry;
pub mod report;
pub mod rounds;
pub mod rows;
pub mod server;
