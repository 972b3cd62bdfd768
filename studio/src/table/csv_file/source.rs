//! The bytes of a text file: decompressed, without a byte order mark, and never more than a compressed file may become.

use crate::job::Compression;
use crate::table::error::{Hostile, TableError};
use crate::table::limits::{EXPANDED_BYTES_FREE, EXPANSION_MAX};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
/// The most that a zstd stream may look back on, as a power of two in bytes: what every level of the usual tool needs.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// What a decompressor is fed with at a time.
const BLOCK_BYTES: usize = 64 << 10;

/// A text file's bytes.
pub struct Source {
    bytes: Chain<Cursor<Vec<u8>>, Box<dyn Read>>,
    left: u64,
    /// The bound that `left` was at first; none for a file that is not compressed.
    limit: Option<u64>,
}

/// Whether a file begins as those of Parquet do.
pub fn is_parquet(path: &Path) -> Result<bool, TableError> {
    Ok(beginning(&mut File::open(path)?)?.starts_with(PARQUET))
}

impl Source {
    /// How the file is compressed, told by its first bytes.
    pub fn compression(path: &Path) -> Result<Option<Compression>, TableError> {
        let magic = beginning(&mut File::open(path)?)?;
        Ok(if magic.starts_with(GZIP) {
            Some(Compression::Gzip)
        } else if magic.starts_with(ZSTD) {
            Some(Compression::Zstd)
        } else {
            None
        })
    }

    /// Opens a file. Texts of UTF-16 are refused.
    pub fn open(path: &Path, compression: Option<Compression>) -> Result<Self, TableError> {
        let file = File::open(path)?;
        let size_bytes = file.metadata()?.len();
        let (mut bytes, limit): (Box<dyn Read>, _) = match compression {
            None => (Box::new(file), None),
            Some(compression) => {
                let limit = size_bytes.saturating_mul(EXPANSION_MAX).max(EXPANDED_BYTES_FREE);
                let file = io::BufReader::with_capacity(BLOCK_BYTES, file);
                (Box::new(Telling { compression, inner: decoder(compression, file)? }), Some(limit))
            }
        };
        let start = beginning(&mut bytes)?;
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(TableError::refused("the file is in UTF-16; save it as UTF-8"));
        }
        let start = start.strip_prefix(UTF8_MARK).unwrap_or(&start).to_vec();
        Ok(Self { bytes: Cursor::new(start).chain(bytes), left: limit.unwrap_or(u64::MAX), limit })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        let (Some(limit), true) = (self.limit, read as u64 > self.left) else {
            self.left -= if self.limit.is_some() { read as u64 } else { 0 };
            return Ok(read);
        };
        let reason = format!("the compressed file becomes longer than {limit} bytes, which no table does");
        Err(io::Error::other(Hostile(reason)))
    }
}

fn decoder(compression: Compression, file: io::BufReader<File>) -> io::Result<Box<dyn Read>> {
    Ok(match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(file)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
            Box::new(decoder)
        }
    })
}

/// A decompressor whose failures are the file's, not the disk's.
struct Telling {
    compression: Compression,
    inner: Box<dyn Read>,
}

impl Read for Telling {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let name = match self.compression {
                Compression::Gzip => "gzip",
                Compression::Zstd => "zstd",
            };
            io::Error::other(Hostile(format!("the file is damaged: its {name} data cannot be decompressed: {error}")))
        })
    }
}

/// The first bytes, as many as a mark has; fewer where the file is shorter.
fn beginning(bytes: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    bytes.take(4).read_to_end(&mut start)?;
    Ok(start)
}
