//! How cost grows with the work: a table each by connections, rows in a request, models that are live, features, and
//! versions in the registry. A cliff is a row that falls out of line.
//!
//! `cargo xtask bench curves`

mod loads;
mod models;
mod versions;

use anyhow::Result;
use clap::{Parser, ValueEnum};

#[derive(Parser)]
struct Arguments {
    /// Which tables; by default all
    curves: Vec<Curve>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Curve {
    /// 1 to 4,096 connections, one row each
    Connections,
    /// 1 to 10,000 rows in a request
    Rows,
    /// 1 to 1,000 models that are live, asked in turn
    Models,
    /// 10 to 10,000 features
    Features,
    /// 1 to 1,000,000 versions of a model
    Versions,
}

fn main() -> Result<()> {
    let curves = Arguments::parse().curves;
    for curve in if curves.is_empty() { Curve::value_variants() } else { &curves } {
        match curve {
            Curve::Connections => loads::by_connections()?,
            Curve::Rows => loads::by_rows()?,
            Curve::Models => models::by_models()?,
            Curve::Features => models::by_features()?,
            Curve::Versions => versions::by_versions()?,
        }
    }
    Ok(())
}
