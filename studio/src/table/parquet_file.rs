//! Apache Parquet: columns in compressed pages, with a footer that says where they lie.
//!
//! A file is held against its bounds before the library reads it: the footer's length, that no column is nested, and each
//! page's header, so that no page becomes larger than it may.

mod bounds;
mod cells;
mod columns;
mod footer;
mod groups;
mod inflate;
mod page;
mod scan;
mod thrift;

pub(super) use scan::{inspect, scan};
