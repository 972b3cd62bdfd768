//! Finding out how a CSV file is to be read: its dialect, its columns and their types, and which of its rows are broken.

use super::records::{Records, Row};
use super::{Source, dialect, header};
use crate::job::{Compression, DataFormat};
use crate::table::error::TableError;
use crate::table::inspect::{Inspection, NamedType, Problem, Problems};
use crate::table::kinds::Kinds;
use crate::table::limits::{BROKEN_PERCENT_MAX, CELLS_MAX};
use crate::table::names;
use csv::StringRecord;
use std::path::Path;

/// Reads the whole file once.
pub fn inspect(path: &Path) -> Result<Inspection, TableError> {
    let compression = Source::compression(path)?;
    let delimiter = dialect::delimiter(path, compression)?;
    let mut records = Records::new(Source::open(path, compression)?, delimiter);
    let mut findings = Findings::default();
    let first = first_row(&mut records)?.ok_or_else(empty)?;
    let beginning = findings.beginning(&mut records)?;
    let header = header::is_header(&first, &beginning);
    let names = named(&first, header)?;
    let mut kinds = vec![Kinds::ALL; names.len()];
    if !header {
        findings.take(&first, &mut kinds)?;
    }
    for row in &beginning {
        findings.take(row, &mut kinds)?;
    }
    let mut spare = StringRecord::new();
    while let Some(row) = records.next(spare)? {
        spare = match row {
            Row::Whole(row) => {
                findings.take(&row, &mut kinds)?;
                row
            }
            Row::Broken(problem, lines) => {
                findings.broken(problem, lines);
                StringRecord::new()
            }
        };
    }
    let (rows, problems) = findings.judged()?;
    let types: Vec<_> = kinds.into_iter().map(Kinds::column_type).collect();
    let columns = names.into_iter().zip(&types).map(|(name, &column_type)| NamedType { name, column_type }).collect();
    Ok(Inspection { format: DataFormat::Csv { compression, delimiter, header, types }, columns, rows, problems })
}

/// The names of a file's columns.
pub fn names(
    path: &Path,
    compression: Option<Compression>,
    delimiter: u8,
    header: bool,
) -> Result<Vec<String>, TableError> {
    let first = first_row(&mut Records::new(Source::open(path, compression)?, delimiter))?;
    named(&first.ok_or_else(empty)?, header)
}

fn named(first: &StringRecord, header: bool) -> Result<Vec<String>, TableError> {
    let name = |(place, field): (usize, &str)| if header { field.to_owned() } else { names::numbered(place) };
    names::check(first.iter().enumerate().map(name).collect())
}

fn empty() -> TableError {
    TableError::refused("the file is empty")
}

/// The row that all others are measured by.
fn first_row(records: &mut Records) -> Result<Option<StringRecord>, TableError> {
    match records.next(StringRecord::new())? {
        None => Ok(None),
        Some(Row::Whole(row)) => Ok(Some(row)),
        Some(Row::Broken(problem, _)) => {
            let Problem { line, reason } = problem;
            Err(TableError::refused(format!("the first row, on line {line}, cannot be read: {reason}")))
        }
    }
}

#[derive(Default)]
struct Findings {
    rows: u64,
    broken_lines: u64,
    problems: Problems,
}

impl Findings {
    fn beginning(&mut self, records: &mut Records) -> Result<Vec<StringRecord>, TableError> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        while rows.len() < header::ROWS_LOOKED_AT && bytes < header::BYTES_LOOKED_AT {
            match records.next(StringRecord::new())? {
                None => break,
                Some(Row::Whole(row)) => {
                    bytes += row.as_slice().len();
                    rows.push(row);
                }
                Some(Row::Broken(problem, lines)) => self.broken(problem, lines),
            }
        }
        Ok(rows)
    }

    fn take(&mut self, row: &StringRecord, kinds: &mut [Kinds]) -> Result<(), TableError> {
        row.iter().zip(kinds.iter_mut()).for_each(|(field, kinds)| kinds.narrow(field));
        self.rows += 1;
        if self.rows.saturating_mul(kinds.len() as u64) > CELLS_MAX {
            return Err(TableError::refused(format!("the file has more than {CELLS_MAX} values")));
        }
        Ok(())
    }

    fn broken(&mut self, problem: Problem, lines: u64) {
        self.broken_lines += lines;
        self.problems.add(problem);
    }

    /// How many rows there are, when not too much of the file is broken.
    fn judged(self) -> Result<(u64, Problems), TableError> {
        let lines = self.rows + self.broken_lines;
        if let Some(Problem { line, reason }) = self.problems.first.first()
            && self.broken_lines * 100 > lines * BROKEN_PERCENT_MAX
        {
            let broken = self.broken_lines;
            let reason = format!(
                "{broken} of {lines} lines are broken, more than {BROKEN_PERCENT_MAX} %; the first is line {line}: {reason}"
            );
            return Err(TableError::refused(reason));
        }
        if self.rows == 0 {
            return Err(TableError::refused("the file has no rows"));
        }
        Ok((self.rows, self.problems))
    }
}
