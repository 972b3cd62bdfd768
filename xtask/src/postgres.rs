//! A PostgreSQL server of the tests' own: made for one run, on a free port of the loopback, gone when the run ends.

mod cluster;
mod programs;

pub use cluster::Cluster;
use programs::Programs;
