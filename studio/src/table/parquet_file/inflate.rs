//! Whether a gzip page becomes as long as its header says: the library would inflate it to whatever it becomes.

use super::page::Page;
use crate::table::error::TableError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// Inflates the page whose header is at `place`, keeping nothing of it. `false`: it becomes longer than it says, or is
/// damaged.
pub fn keeps_its_word(file: &mut File, place: u64, page: &Page) -> Result<bool, TableError> {
    let (compressed, levels) = (page.compressed_bytes.unsigned_abs(), page.levels_bytes.unsigned_abs());
    if page.is_plain {
        return Ok(true);
    }
    if levels > compressed || levels > page.uncompressed_bytes.unsigned_abs() {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(place + page.header_bytes + levels))?;
    let said = page.uncompressed_bytes.unsigned_abs() - levels;
    let mut inflated = MultiGzDecoder::new(file.take(compressed - levels)).take(said + 1);
    Ok(io::copy(&mut inflated, &mut io::sink()).is_ok_and(|length| length <= said))
}
