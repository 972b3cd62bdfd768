//! CSV: text with a row per line, as RFC 4180 writes it, in whatever of its dialects.
//!
//! What is read: UTF-8, with a byte order mark or without, plain or in gzip or zstd; fields separated by comma, semicolon,
//! tab or bar, quoted with `"` where they contain the separator, a line's end or a quote, which is then doubled. An empty
//! line is no row.

mod dialect;
mod header;
mod inspect;
mod meter;
mod records;
mod scan;
mod source;

pub(super) use inspect::{inspect, names};
pub(super) use scan::{Dialect, scan};
use source::Source;
pub(super) use source::is_parquet;
