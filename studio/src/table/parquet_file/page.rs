//! A page's header.

use super::thrift::{Fault, Thrift};
use crate::table::error::TableError;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// What most headers take.
const HEADER_BYTES_USUAL: u64 = 512;
/// The longest header: statistics in it have the least and the greatest value.
const HEADER_BYTES_MAX: u64 = 4 << 20;

/// What a page's header says. `PageHeader`, parquet.thrift.
#[derive(Debug, Default, Clone, Copy)]
pub struct Page {
    /// The header's own length.
    pub header_bytes: u64,
    /// What follows it.
    pub compressed_bytes: i64,
    /// What that becomes.
    pub uncompressed_bytes: i64,
    /// Rows of a page of data; of a dictionary none.
    pub values: i64,
    /// Whether it is a dictionary.
    pub is_dictionary: bool,
    /// Whether each value is told as what differs from the one before it.
    pub is_delta: bool,
    /// What stands uncompressed before the compressed part.
    pub levels_bytes: i64,
    /// Whether it is compressed at all.
    pub is_plain: bool,
}

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;
const DELTA_BYTE_ARRAY: i64 = 7;

impl Page {
    /// The header at this place, which ends before `end`.
    pub fn at(file: &mut File, place: u64, end: u64) -> Result<Self, TableError> {
        let mut bytes = Vec::new();
        for most in [HEADER_BYTES_USUAL, HEADER_BYTES_MAX] {
            file.seek(SeekFrom::Start(place))?;
            bytes.clear();
            file.by_ref().take(most.min(end - place)).read_to_end(&mut bytes)?;
            match Self::parse(&bytes) {
                Err(Fault::Short) => {}
                Err(Fault::Malformed) => break,
                Ok(page) => return Ok(page),
            }
        }
        Err(TableError::refused(format!("the Parquet file is damaged: the page header at byte {place} cannot be read")))
    }

    fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut thrift = Thrift::new(bytes);
        let (mut page, mut page_type) = (Self::default(), -1);
        thrift.structure(|thrift, number, _| {
            match number {
                1 => page_type = thrift.int()?,
                2 => page.uncompressed_bytes = thrift.int()?,
                3 => page.compressed_bytes = thrift.int()?,
                5 => page.data(thrift)?,
                8 => page.data_v2(thrift)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        page.is_dictionary = page_type == DICTIONARY_PAGE;
        if !matches!(page_type, DATA_PAGE | DATA_PAGE_V2) {
            page.values = 0;
        }
        page.header_bytes = thrift.position() as u64;
        Ok(page)
    }

    fn data(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Fault> {
        thrift.structure(|thrift, number, _| {
            match number {
                1 => self.values = thrift.int()?,
                2 => self.is_delta |= thrift.int()? == DELTA_BYTE_ARRAY,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn data_v2(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Fault> {
        use super::thrift::Kind;
        thrift.structure(|thrift, number, kind| {
            match number {
                1 => self.values = thrift.int()?,
                4 => self.is_delta |= thrift.int()? == DELTA_BYTE_ARRAY,
                5 | 6 => self.levels_bytes = self.levels_bytes.saturating_add(thrift.int()?.max(0)),
                7 => self.is_plain = kind == Kind::False,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}
