//! Which character separates the fields, told by the beginning of a file.

use super::Source;
use crate::job::Compression;
use crate::table::error::TableError;
use csv::{ByteRecord, ReaderBuilder};
use std::io::Read as _;
use std::path::Path;

/// Looked at, in bytes of the decompressed text.
const SAMPLE_BYTES: u64 = 256 << 10;
/// Rows of the sample that are looked at.
const SAMPLE_ROWS: usize = 200;
/// What may separate fields; the first is the most usual.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The separator that cuts the most rows into as many fields as the first row has; of those equal in this, the one that
/// makes more fields; then by the order of `,` `;` tab `|`. A text that none of them cuts has one column.
pub fn delimiter(path: &Path, compression: Option<Compression>) -> Result<u8, TableError> {
    let mut sample = Vec::new();
    Source::open(path, compression)?.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    let whole = (sample.len() as u64) < SAMPLE_BYTES;
    let mut best = (b',', Score::default());
    for delimiter in DELIMITERS {
        let score = Score::of(&sample, whole, delimiter);
        if score.beats(&best.1) {
            best = (delimiter, score);
        }
    }
    Ok(best.0)
}

/// How well a separator cuts the rows.
#[derive(Default)]
struct Score {
    fields: usize,
    alike: usize,
    rows: usize,
}

impl Score {
    fn of(sample: &[u8], whole: bool, delimiter: u8) -> Self {
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(sample);
        let (mut score, mut record, mut last_is_alike) = (Self::default(), ByteRecord::new(), false);
        while score.rows < SAMPLE_ROWS && reader.read_byte_record(&mut record).unwrap_or(false) {
            if score.rows == 0 {
                score.fields = record.len();
            }
            last_is_alike = record.len() == score.fields;
            score.rows += 1;
            score.alike += usize::from(last_is_alike);
        }
        // The last row of a sample may be cut off.
        if !whole && reader.is_done() && score.rows > 1 {
            score.rows -= 1;
            score.alike -= usize::from(last_is_alike);
        }
        score
    }

    fn beats(&self, other: &Self) -> bool {
        let share = |this: &Self, that: &Self| this.alike * that.rows.max(1);
        let better = (share(self, other), self.fields) > (share(other, self), other.fields);
        self.fields > 1 && (other.fields < 2 || better)
    }
}
