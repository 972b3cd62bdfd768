//! The first rows of a file as JSON.

use super::cells::Cells;
use super::error::TableError;
use super::inspect::NamedType;
use super::{ColumnType, boolean, scan};
use crate::job::DataFormat;
use serde_json::Value;
use std::path::Path;

/// The most rows of a preview.
pub const ROWS_MAX: usize = 200;
/// Values of a preview; one row is shown in any case.
const CELLS_MAX: usize = 100_000;
/// Characters of a text that are shown; what is longer ends in `…`.
const TEXT_CHARS_MAX: usize = 200;
/// Bytes of texts after which no further row is shown.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The first rows, each with a value per column: numbers, booleans, texts, and null for what is missing. At most
/// [`ROWS_MAX`], and fewer of wide tables and of long texts.
///
/// # Errors
/// The file is not what it was when it was inspected.
pub fn preview(path: &Path, format: &DataFormat, columns: &[NamedType]) -> Result<Vec<Vec<Value>>, TableError> {
    let wanted: Vec<usize> = (0..columns.len()).collect();
    let rows_max = (CELLS_MAX / columns.len().max(1)).clamp(1, ROWS_MAX);
    let mut values: Vec<Vec<Value>> = vec![Vec::new(); columns.len()];
    let rows = scan::scan(path, format, &wanted, rows_max as u64, &mut |column, cells| {
        add(&mut values[column], cells, columns[column].column_type);
    })?;
    let mut columns: Vec<_> = values.into_iter().map(Vec::into_iter).collect();
    let mut text_bytes = 0;
    let mut shown: Vec<Vec<Value>> = Vec::new();
    for _ in 0..rows {
        let row: Vec<Value> = columns.iter_mut().map(|column| column.next().unwrap_or(Value::Null)).collect();
        text_bytes += row.iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
        if text_bytes > TEXT_BYTES_MAX && !shown.is_empty() {
            break;
        }
        shown.push(row);
    }
    Ok(shown)
}

fn add(values: &mut Vec<Value>, cells: &Cells, column_type: ColumnType) {
    let text = |text: &str| match (column_type, boolean::parse(text)) {
        (ColumnType::Boolean, Some(value)) => Value::Bool(value),
        _ => Value::String(shown(text)),
    };
    match cells {
        Cells::Integers(more) => values.extend(more.iter().map(|&value| Value::from(value))),
        // NaN becomes null.
        Cells::Numbers(more) => values.extend(more.iter().map(|&value| Value::from(value))),
        Cells::Texts(more) => values.extend(more.iter().map(|value| value.map_or(Value::Null, text))),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
