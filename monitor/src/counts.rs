//! Counts of a stream of values against a baseline's fixed edges: what a window is a sum of.

mod bytes;
mod category;
mod number;
mod version;

pub use bytes::CountsError;
pub use category::{CategoryCounts, CategoryIndex};
pub use number::{Bin, Element, NumberCounts};
pub use version::{ColumnCounts, ColumnMeter, Faults, Meter, VersionCounts};
