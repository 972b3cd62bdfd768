//! What a dataset may be at most. Each bound holds for CSV and Parquet, unless its name says otherwise.

/// Columns of a file.
pub const COLUMNS_MAX: usize = 10_000;
/// Characters of a column's name.
pub const NAME_CHARS_MAX: usize = 256;
/// Bytes of one value.
pub const FIELD_BYTES_MAX: usize = 1 << 20;
/// Rows times columns of a file: half an hour of reading.
pub const CELLS_MAX: u64 = 10_000_000_000;
/// Bytes of one row of a CSV file; what is longer is a quote that nobody closed.
pub const CSV_ROW_BYTES_MAX: u64 = 16 << 20;
/// A compressed file becomes at most so many times as long. Tables become five to fifty times as long.
pub const EXPANSION_MAX: u64 = 200;
/// A compressed file may become so long, in bytes, however short it is.
pub const EXPANDED_BYTES_FREE: u64 = 64 << 20;
/// Broken rows that are told with their line; the others are counted.
pub const PROBLEMS_TOLD_MAX: usize = 100;
/// Of a hundred lines, so many may be broken.
pub const BROKEN_PERCENT_MAX: u64 = 10;
/// Bytes of a Parquet file's footer.
pub const PARQUET_FOOTER_BYTES_MAX: u64 = 16 << 20;
/// Bytes of a page of a Parquet file when it is no longer compressed. Writers make pages of one MiB.
pub const PARQUET_PAGE_BYTES_MAX: u64 = 64 << 20;
/// Pages of a Parquet file.
pub const PARQUET_PAGES_MAX: u64 = 10_000_000;

/// Values that are held at a time while a file is read.
pub(crate) const PIECE_CELLS: usize = 1 << 18;
/// Rows that are held at a time.
pub(crate) const PIECE_ROWS_MAX: usize = 4_096;
/// Bytes of text after which a piece ends.
pub(crate) const PIECE_BYTES: usize = 8 << 20;
/// Bytes of pages of a Parquet file that are held at a time.
pub(crate) const PARQUET_PAGES_BYTES: u64 = 192 << 20;

/// How many rows a piece of this many columns has.
pub(crate) fn piece_rows(columns: usize) -> usize {
    (PIECE_CELLS / columns.max(1)).clamp(1, PIECE_ROWS_MAX)
}
