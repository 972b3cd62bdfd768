//! The rows of a CSV file, each whole or said to be broken and where.

use super::Source;
use super::meter::Meter;
use crate::table::error::TableError;
use crate::table::inspect::Problem;
use crate::table::limits::FIELD_BYTES_MAX;
use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};

const BUFFER_BYTES: usize = 64 << 10;

/// The rows of a file.
pub struct Records {
    reader: Reader<Meter>,
    /// How many fields a row has: as many as the first.
    columns: Option<usize>,
}

/// What a row turned out to be.
pub enum Row {
    /// Its fields.
    Whole(StringRecord),
    /// Not to be used; it takes so many lines.
    Broken(Problem, u64),
}

impl Records {
    /// The rows of a text in which fields are separated by `delimiter`.
    pub fn new(source: Source, delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(BUFFER_BYTES);
        Self { reader: builder.from_reader(Meter::new(source)), columns: None }
    }

    /// The next row; `None` after the last. `spare` is a row that is no longer needed.
    pub fn next(&mut self, spare: StringRecord) -> Result<Option<Row>, TableError> {
        let start = self.reader.position().byte();
        self.reader.get_mut().begin_row(start);
        let mut fields = spare.into_byte_record();
        if !self.reader.read_byte_record(&mut fields).map_err(read_error)? {
            return Ok(None);
        }
        let columns = *self.columns.get_or_insert(fields.len());
        if let Some(reason) = self.defect(&fields, columns) {
            return Ok(Some(self.broken(&fields, reason)));
        }
        StringRecord::from_byte_record(fields).map(Row::Whole).map(Some).or_else(|error| {
            let reason = format!("field {} is not UTF-8", error.utf8_error().field() + 1);
            Ok(Some(self.broken(&error.into_byte_record(), reason)))
        })
    }

    fn defect(&self, row: &ByteRecord, columns: usize) -> Option<String> {
        let fields = row.len();
        let ends_open = self.reader.get_ref().last_of_text().is_some_and(|last| last != b'"');
        if ends_open && row.iter().next_back().is_some_and(|field| field.contains(&b'\n')) {
            return Some("a quote is opened here that is never closed".into());
        }
        if fields != columns {
            return Some(format!("it has {fields} fields where the first row has {columns}"));
        }
        if row.as_slice().contains(&0) {
            return Some("it contains a NUL character".into());
        }
        if row.as_slice().len() <= FIELD_BYTES_MAX {
            return None;
        }
        let long = row.iter().position(|field| field.len() > FIELD_BYTES_MAX);
        long.map(|field| format!("field {} is longer than {FIELD_BYTES_MAX} bytes", field + 1))
    }

    /// The row begins on the line after those that ended before it: all that ended so far but its own.
    fn broken(&self, row: &ByteRecord, reason: String) -> Row {
        let end = self.reader.position();
        let within = row.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
        let meter = self.reader.get_ref();
        let last = end.byte().checked_sub(1).and_then(|last| meter.byte_at(last));
        // A row that the text's end has ended has no line's end of its own, nor the second half of one.
        let own = within + u64::from(last == Some(b'\n') && !meter.has_ended());
        Row::Broken(Problem { line: end.line().saturating_sub(own), reason }, within + 1)
    }
}

fn read_error(error: csv::Error) -> TableError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => TableError::refused(format!("the file is not CSV: {other:?}")),
    }
}
