//! Reading a CSV file whose dialect and types are known.

use super::Source;
use super::records::{Records, Row};
use crate::job::Compression;
use crate::table::cells::{Cells, Texts};
use crate::table::error::TableError;
use crate::table::limits::{PIECE_BYTES, piece_rows};
use crate::table::scan::Take;
use crate::table::{ColumnType, boolean, missing, number};
use csv::StringRecord;
use std::path::Path;

/// How a file is written.
pub struct Dialect<'a> {
    pub compression: Option<Compression>,
    pub delimiter: u8,
    pub header: bool,
    pub types: &'a [ColumnType],
}

/// Hands over the columns at the `wanted` places in pieces, at most `rows_max` rows of them.
pub fn scan(
    path: &Path,
    dialect: &Dialect<'_>,
    wanted: &[usize],
    rows_max: u64,
    take: Take<'_>,
) -> Result<u64, TableError> {
    let mut records = Records::new(Source::open(path, dialect.compression)?, dialect.delimiter);
    let types: Vec<ColumnType> = wanted.iter().map(|&place| dialect.types[place]).collect();
    let mut piece: Vec<Cells> = types.iter().map(|&column_type| empty(column_type)).collect();
    let (piece_rows, mut rows, mut held_rows, mut held_bytes) = (piece_rows(wanted.len()), 0, 0, 0);
    let mut spare = StringRecord::new();
    let mut names = dialect.header;
    while rows < rows_max
        && let Some(row) = records.next(spare)?
    {
        let Row::Whole(row) = row else {
            spare = StringRecord::new();
            continue;
        };
        if std::mem::take(&mut names) {
            spare = row;
            continue;
        }
        for ((cells, &place), &column_type) in piece.iter_mut().zip(wanted).zip(&types) {
            let field = row.get(place).unwrap_or_default();
            add(cells, column_type, field).ok_or_else(|| changed(place, field))?;
        }
        rows += 1;
        held_rows += 1;
        held_bytes += row.as_slice().len();
        if held_rows == piece_rows || held_bytes >= PIECE_BYTES {
            hand_over(&mut piece, take);
            (held_rows, held_bytes) = (0, 0);
        }
        spare = row;
    }
    hand_over(&mut piece, take);
    Ok(rows)
}

fn empty(column_type: ColumnType) -> Cells {
    match column_type {
        ColumnType::Integer => Cells::Integers(Vec::new()),
        ColumnType::Number => Cells::Numbers(Vec::new()),
        ColumnType::Boolean | ColumnType::Text | ColumnType::Timestamp => Cells::Texts(Texts::default()),
    }
}

fn add(cells: &mut Cells, column_type: ColumnType, field: &str) -> Option<()> {
    let trimmed = field.trim_ascii();
    let there = !missing::is_missing(trimmed);
    match cells {
        Cells::Integers(values) => values.push(if there { Some(number::integer(trimmed)?) } else { None }),
        Cells::Numbers(values) => values.push(if there { number::number(trimmed)? } else { f64::NAN }),
        Cells::Texts(texts) => texts.push(match column_type {
            _ if !there => None,
            ColumnType::Boolean => Some(boolean::name(boolean::parse(trimmed)?)),
            ColumnType::Timestamp => Some(trimmed),
            _ => Some(field),
        }),
    }
    Some(())
}

fn hand_over(piece: &mut [Cells], take: Take<'_>) {
    for (column, cells) in piece.iter_mut().enumerate().filter(|(_, cells)| !cells.is_empty()) {
        take(column, cells);
        cells.clear();
    }
}

fn changed(place: usize, field: &str) -> TableError {
    let field: String = field.chars().take(40).collect();
    TableError::refused(format!("'{field}' in column {} is not of the column's type", place + 1))
}
