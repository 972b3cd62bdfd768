//! What the parts cost, each alone in this process, in nanoseconds per item. (The codec has a program of its own.)
//!
//! `cargo run --release --package servoir-benches --bin micro [kernels|engines|queue|registry|padding]`

mod engines;
mod kernels;
mod padding;
mod queue;
mod registry;
mod xgboost;

use anyhow::Result;
use clap::{Parser, ValueEnum};

#[derive(Parser)]
struct Arguments {
    /// What is measured; by default all but `padding`
    parts: Vec<Part>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// The tree kernel on every tier of this processor
    Kernels,
    /// Churn in process: the tree engine, ONNX Runtime, and xgboost's C interface
    Engines,
    /// Handing requests over, gathering their rows, and cutting the answers apart
    Queue,
    /// The registry on SQLite
    Registry,
    /// Batches as they are beside batches that are padded; not by default, as tract takes a minute to prepare
    Padding,
}

impl Part {
    /// What is measured when nothing is asked for.
    const DEFAULT: [Self; 4] = [Self::Kernels, Self::Engines, Self::Queue, Self::Registry];
}

fn main() -> Result<()> {
    let parts = Arguments::parse().parts;
    for part in if parts.is_empty() { &Part::DEFAULT } else { &*parts } {
        match part {
            Part::Kernels => kernels::measure_all()?,
            Part::Engines => engines::measure_all()?,
            Part::Queue => queue::measure_all()?,
            Part::Registry => registry::measure_all()?,
            Part::Padding => padding::measure_all()?,
        }
    }
    Ok(())
}
