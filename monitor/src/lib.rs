//! Drift, data quality and live performance as computation: what a baseline is, counts that are cheap enough to be taken
//! of every prediction, the statistics that compare the two, and the alerts that follow.
//!
//! Nothing here does I/O, waits or reads a clock: rows, counts and times are given, values come back.

pub mod alert;
pub mod analysis;
mod baseline;
mod change;
pub mod convention;
mod counts;
mod grid;
pub mod layout;
mod packed;
pub mod performance;
mod quality;
pub mod recording;
mod sketch;
pub mod statistics;
mod streamed;
mod tap;
mod window;

pub use baseline::{
    Baseline, BaselineError, CATEGORIES_MAX, CategoryProfile, CategorySurvey, Column, DISTINCT_MAX, Measure,
    NumberProfile, NumberSurvey, NumberTally, Precision, Profile, VALUE_BYTES_MAX,
};
pub use change::{Adwin, Change};
pub use counts::{
    Bin, CategoryCounts, CategoryIndex, ColumnCounts, ColumnMeter, CountsError, Element, Faults, Meter, NumberCounts,
    VersionCounts,
};
pub use grid::{EDGES_MAX, Grid, GridError};
pub use layout::Layout;
pub use quality::{ColumnQuality, Quality};
pub use sketch::QuantileSketch;
pub use tap::{Counter, Misfit, Tap};
pub use window::{BUCKET_SECONDS, WindowLength, bucket_start};
