//! What a Parquet file's pages will take in memory, told by their headers before any of them is read.

use super::inflate;
use super::page::Page;
use crate::table::error::TableError;
use crate::table::limits::{CELLS_MAX, PARQUET_PAGE_BYTES_MAX, PARQUET_PAGES_MAX};
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use std::fs::File;

/// What a column takes in memory while it is read.
#[derive(Debug, Default, Clone, Copy)]
pub struct Weight {
    /// The largest dictionary, and a page of data and its compressed form, in bytes.
    pub standing_bytes: u64,
    /// The most that a row adds, in bytes.
    pub row_bytes: u64,
}

/// Walks over all pages. `check_gzip`: pages in gzip are inflated once to see how long they become; what was checked once
/// need not be checked again.
///
/// # Errors
/// A page, their number or that of the values is out of bounds, or the file is not whole.
pub fn weigh(file: &mut File, metadata: &ParquetMetaData, check_gzip: bool) -> Result<Vec<Weight>, TableError> {
    let size = file.metadata()?.len();
    let mut weights = vec![Weight::default(); metadata.file_metadata().schema_descr().num_columns()];
    let (mut rows, mut pages) = (0u64, 0);
    for group in metadata.row_groups() {
        let group_rows = u64::try_from(group.num_rows()).map_err(|_| damaged("a row group has less than no rows"))?;
        rows = rows.saturating_add(group_rows);
        if rows.saturating_mul(weights.len() as u64) > CELLS_MAX {
            return Err(TableError::refused(format!("the file has more than {CELLS_MAX} values")));
        }
        if group.columns().len() != weights.len() {
            return Err(damaged("a row group lacks columns"));
        }
        for (weight, chunk) in weights.iter_mut().zip(group.columns()) {
            let mut walk = Walk { file, size, pages: &mut pages, check_gzip, weight };
            if walk.chunk(chunk)? != group_rows {
                let column = chunk.column_path().string();
                return Err(damaged(&format!("column '{column}' has more or fewer values than rows")));
            }
        }
    }
    Ok(weights)
}

fn damaged(what: &str) -> TableError {
    TableError::refused(format!("the Parquet file is damaged: {}", what.escape_debug()))
}

struct Walk<'a> {
    file: &'a mut File,
    size: u64,
    pages: &'a mut u64,
    check_gzip: bool,
    weight: &'a mut Weight,
}

impl Walk<'_> {
    /// How many values a chunk's pages have.
    fn chunk(&mut self, chunk: &ColumnChunkMetaData) -> Result<u64, TableError> {
        if matches!(chunk.compression(), Compression::LZ4) {
            let reason = "the Parquet file is compressed by the outdated LZ4 codec; write it again with LZ4_RAW, Snappy or Zstandard";
            return Err(TableError::refused(reason));
        }
        let start = chunk.dictionary_page_offset().filter(|&at| at > 0).unwrap_or(chunk.data_page_offset());
        let place = |at: i64| u64::try_from(at).map_err(|_| damaged("a column lies before the file"));
        let (mut at, length) = (place(start)?, place(chunk.compressed_size())?);
        let end = at.checked_add(length).filter(|&end| end <= self.size);
        let end = end.ok_or_else(|| damaged("a column lies beyond the end of the file"))?;
        let is_gzip = matches!(chunk.compression(), Compression::GZIP(_));
        let mut values = 0u64;
        while at < end {
            let page = Page::at(self.file, at, end)?;
            let next = self.page(&page, at, end)?;
            if self.check_gzip && is_gzip && !inflate::keeps_its_word(self.file, at, &page)? {
                return Err(damaged(&format!("the gzip page at byte {at} is not as long as it says")));
            }
            values = values.saturating_add(page.values.unsigned_abs());
            at = next;
        }
        Ok(values)
    }

    /// Where the next page begins.
    fn page(&mut self, page: &Page, at: u64, end: u64) -> Result<u64, TableError> {
        *self.pages += 1;
        if *self.pages > PARQUET_PAGES_MAX {
            return Err(TableError::refused(format!("the Parquet file has more than {PARQUET_PAGES_MAX} pages")));
        }
        let (compressed, bytes) = (u64::try_from(page.compressed_bytes), u64::try_from(page.uncompressed_bytes));
        let (Ok(compressed), Ok(bytes), Ok(values)) = (compressed, bytes, u64::try_from(page.values)) else {
            return Err(damaged(&format!("the page at byte {at} has a negative length")));
        };
        if bytes.max(compressed) > PARQUET_PAGE_BYTES_MAX {
            let reason = format!(
                "the page at byte {at} has {} bytes; at most {PARQUET_PAGE_BYTES_MAX} are possible: write the file with smaller pages",
                bytes.max(compressed)
            );
            return Err(TableError::refused(reason));
        }
        let next = at + page.header_bytes + compressed;
        if next > end {
            return Err(damaged(&format!("the page at byte {at} is cut off")));
        }
        let row_bytes = if page.is_delta { bytes } else { bytes / values.max(1) };
        self.weight.row_bytes = self.weight.row_bytes.max(row_bytes);
        self.weight.standing_bytes = self.weight.standing_bytes.max(2 * bytes + compressed);
        Ok(next)
    }
}
