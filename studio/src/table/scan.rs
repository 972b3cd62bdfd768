//! Reading a file in pieces of bounded size.

use super::cells::Cells;
use super::csv_file::{self, Dialect};
use super::error::TableError;
use super::parquet_file;
use crate::job::DataFormat;
use std::path::Path;

/// Takes a piece of a column: its place among the wanted ones, and the values of its next rows.
pub type Take<'a> = &'a mut dyn FnMut(usize, &Cells);

/// Hands over the first `rows_max` rows of the columns at the `wanted` places, piece by piece; says how many rows there
/// were. The pieces of a column come in the order of its rows; those of different columns in no particular order.
///
/// # Errors
/// The file is not what it was when it was inspected, or breaks a bound.
pub fn scan(
    path: &Path,
    format: &DataFormat,
    wanted: &[usize],
    rows_max: u64,
    take: Take<'_>,
) -> Result<u64, TableError> {
    match format {
        DataFormat::Csv { compression, delimiter, header, types } => {
            let dialect = Dialect { compression: *compression, delimiter: *delimiter, header: *header, types };
            csv_file::scan(path, &dialect, wanted, rows_max, take)
        }
        DataFormat::Parquet => parquet_file::scan(path, wanted, rows_max, take),
    }
}
