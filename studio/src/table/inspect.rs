//! Finding out what a file is: its format, its columns, how many rows it has, and what is wrong with it.

use super::error::TableError;
use super::limits::PROBLEMS_TOLD_MAX;
use super::{ColumnType, csv_file, parquet_file};
use crate::job::DataFormat;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a file is.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// How it is to be read.
    pub format: DataFormat,
    /// Its columns, in order.
    pub columns: Vec<NamedType>,
    /// How many rows can be used.
    pub rows: u64,
    /// What cannot.
    pub problems: Problems,
}

/// A column without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedType {
    /// Its header.
    pub name: String,
    /// What its values are.
    pub column_type: ColumnType,
}

/// Rows of a file that are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Problems {
    /// How many.
    pub broken_rows: u64,
    /// The first of them, at most [`PROBLEMS_TOLD_MAX`].
    pub first: Vec<Problem>,
}

/// A row that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where it begins; the first line of the file is 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Problems {
    pub(super) fn add(&mut self, problem: Problem) {
        self.broken_rows += 1;
        if self.first.len() < PROBLEMS_TOLD_MAX {
            self.first.push(problem);
        }
    }
}

/// Finds out what a file is. A text file is read once, whole; of a Parquet file the footer and the pages' headers.
///
/// # Errors
/// It is no table, or more than one can be; more than [`super::limits::BROKEN_PERCENT_MAX`] % of its lines are broken.
pub fn inspect(path: &Path) -> Result<Inspection, TableError> {
    if csv_file::is_parquet(path)? { parquet_file::inspect(path) } else { csv_file::inspect(path) }
}
