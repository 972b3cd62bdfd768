//! What the CSV parser does not tell: how far into a row it has read, and how the text ends.

use super::Source;
use crate::table::error::Hostile;
use crate::table::limits::CSV_ROW_BYTES_MAX;
use std::io::{self, Read};

/// A source of bytes that knows what went through it.
pub struct Meter {
    source: Source,
    /// The newest bytes that were read, and where in the text they begin.
    block: Vec<u8>,
    block_start: u64,
    ended: bool,
    row_start: u64,
}

impl Meter {
    /// Nothing has been read.
    pub fn new(source: Source) -> Self {
        Self { source, block: Vec::new(), block_start: 0, ended: false, row_start: 0 }
    }

    /// A row begins at this byte.
    pub fn begin_row(&mut self, at: u64) {
        self.row_start = at;
    }

    /// Whether the text's end has been met.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// A byte of the newest block.
    pub fn byte_at(&self, at: u64) -> Option<u8> {
        self.block.get(usize::try_from(at.checked_sub(self.block_start)?).ok()?).copied()
    }

    /// When the text has ended: its last byte that does not end a line, in the newest block.
    pub fn last_of_text(&self) -> Option<u8> {
        let last = || self.block.iter().rev().find(|byte| !matches!(byte, b'\n' | b'\r')).copied();
        self.ended.then(last).flatten()
    }
}

impl Read for Meter {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.block_start + self.block.len() as u64;
        if end - self.row_start > CSV_ROW_BYTES_MAX {
            let reason = format!(
                "a row is longer than {CSV_ROW_BYTES_MAX} bytes: is a quote opened that is never closed, or is this no CSV?"
            );
            return Err(io::Error::other(Hostile(reason)));
        }
        let read = self.source.read(buffer)?;
        if read == 0 {
            self.ended = true;
        } else {
            self.block_start = end;
            self.block.clear();
            self.block.extend_from_slice(&buffer[..read]);
        }
        Ok(read)
    }
}
