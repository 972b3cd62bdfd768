//! Datasets: files of rows, and their rows in memory, column by column.
//!
//! [`inspect`](inspect::inspect) finds out how a file is to be read, [`scan`](scan::scan) reads it in pieces of bounded
//! size, [`Table::read`] reads columns as a whole.

mod boolean;
pub mod cells;
mod csv_file;
pub mod error;
pub mod inspect;
mod kinds;
pub mod limits;
mod missing;
mod names;
mod number;
mod parquet_file;
pub mod preview;
mod read;
pub mod scan;
pub mod timestamp;

use serde::{Deserialize, Serialize};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Whole numbers.
    Integer,
    /// Numbers with fractions.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Texts.
    Text,
    /// Points in time. No feature of a model: its input could not be given as text.
    Timestamp,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its header.
    pub name: String,
    /// What its values are.
    pub column_type: ColumnType,
    /// One value per row.
    pub values: Values,
}

/// A column's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Integers and numbers; what is missing is NaN.
    Numbers(Vec<f64>),
    /// Texts, booleans (`true`, `false`) and points in time (as they were written): places in `texts`, or [`MISSING`].
    Texts {
        /// One per row.
        codes: Vec<u32>,
        /// Each distinct text once, in the order of first sight.
        texts: Vec<String>,
    },
}

/// The code of a missing text.
pub const MISSING: u32 = u32::MAX;

/// Rows of a dataset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Columns of the same length.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub rows: usize,
}

impl Table {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}
