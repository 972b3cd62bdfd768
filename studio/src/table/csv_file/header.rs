//! Whether the first row of a CSV file names the columns.

use crate::table::ColumnType;
use crate::table::kinds::Kinds;
use csv::StringRecord;

/// Rows that are looked at beside the first.
pub const ROWS_LOOKED_AT: usize = 1_000;
/// After so many bytes of fields, no further row is looked at.
pub const BYTES_LOOKED_AT: usize = 4 << 20;

/// The first row names the columns when a column of it holds a text and, below it, only values that are no texts; or when
/// no column tells so and the whole row is of texts, none of them twice, and perhaps of empty fields. `rest` is what
/// follows the first row.
pub fn is_header(first: &StringRecord, rest: &[StringRecord]) -> bool {
    let kinds_of = |field: &str| {
        let mut kinds = Kinds::ALL;
        kinds.narrow(field);
        kinds
    };
    let is_text = |field: &str| kinds_of(field).column_type() == ColumnType::Text;
    let is_missing = |field: &str| kinds_of(field) == Kinds::ALL;
    let told = first.iter().enumerate().any(|(column, field)| {
        let mut below = Kinds::ALL;
        rest.iter().filter_map(|row| row.get(column)).for_each(|field| below.narrow(field));
        is_text(field) && below != Kinds::ALL && below.column_type() != ColumnType::Text
    });
    let may = first.iter().any(is_text) && first.iter().all(|field| is_text(field) || is_missing(field));
    told || may && !has_twins(first)
}

fn has_twins(row: &StringRecord) -> bool {
    let mut fields: Vec<&str> = row.iter().map(str::trim).collect();
    fields.sort_unstable();
    fields.windows(2).any(|pair| pair[0] == pair[1])
}
