//! The footer of a Parquet file, before the library sees it: how long it is, and that its columns lie side by side.

use super::thrift::{Fault, Thrift};
use crate::table::error::TableError;
use crate::table::limits::{COLUMNS_MAX, NAME_CHARS_MAX, PARQUET_FOOTER_BYTES_MAX};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// The footer's length and `PAR1`.
const TAIL_BYTES: u64 = 8;

/// Holds the footer against its bounds.
///
/// # Errors
/// It is too long, is not one, has too many columns, or a column that is nested, which it names.
pub fn check(file: &mut File) -> Result<(), TableError> {
    let size = file.metadata()?.len();
    let broken = |what: &str| TableError::refused(format!("the Parquet file is damaged: {what}"));
    if size < TAIL_BYTES + 4 {
        return Err(broken("it is too short"));
    }
    file.seek(SeekFrom::End(-(TAIL_BYTES as i64)))?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact(&mut tail)?;
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => return Err(TableError::refused("the Parquet file is encrypted")),
        _ => return Err(broken("it does not end as one; was it cut off?")),
    }
    if length > PARQUET_FOOTER_BYTES_MAX {
        let reason = format!(
            "the footer of the Parquet file is {length} bytes long; at most {PARQUET_FOOTER_BYTES_MAX} are possible"
        );
        return Err(TableError::refused(reason));
    }
    if length > size - TAIL_BYTES - 4 {
        return Err(broken("its footer is longer than the file"));
    }
    file.seek(SeekFrom::Start(size - TAIL_BYTES - length))?;
    let mut footer = Vec::new();
    file.take(length).read_to_end(&mut footer)?;
    match schema(&footer) {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(TableError::refused(reason)),
        Err(_) => Err(broken("its footer cannot be read")),
    }
}

/// Why the columns cannot be read, if so. Fields of `FileMetaData` and `SchemaElement`, parquet.thrift.
fn schema(footer: &[u8]) -> Result<Option<String>, Fault> {
    let (mut refused, mut seen) = (None, false);
    Thrift::new(footer).structure(|thrift, number, _| {
        if number != 2 {
            return Ok(false);
        }
        let (elements, _) = thrift.list()?;
        seen = true;
        if elements > COLUMNS_MAX + 1 {
            let columns = elements - 1;
            refused = Some(format!("the file has {columns} columns; at most {COLUMNS_MAX} are possible"));
        }
        for place in 0..elements {
            let element = element(thrift)?;
            if place > 0 && element.nested && refused.is_none() {
                let name: String = String::from_utf8_lossy(element.name).chars().take(NAME_CHARS_MAX).collect();
                refused = Some(format!("column '{}' is nested; only plain columns can be used", name.escape_debug()));
            }
        }
        Ok(true)
    })?;
    if seen { Ok(refused) } else { Err(Fault::Malformed) }
}

struct Element<'a> {
    name: &'a [u8],
    nested: bool,
}

const REPEATED: i64 = 2;

fn element<'a>(thrift: &mut Thrift<'a>) -> Result<Element<'a>, Fault> {
    let mut element = Element { name: b"", nested: false };
    thrift.structure(|thrift, number, _| {
        match number {
            3 => element.nested |= thrift.int()? == REPEATED,
            4 => element.name = thrift.binary()?,
            5 => element.nested |= thrift.int()? > 0,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(element)
}
