//! Counts as they lie in a database: a format byte, then numbers of variable length (LEB128) and doubles. A window of 30 features
//! takes some 15 kB, an empty one some 300 bytes.

use super::number::Written;
use super::{CategoryCounts, ColumnCounts, Faults, NumberCounts, VersionCounts};

/// The first byte of the format that is written, and the only one that is read.
const FORMAT: u8 = 1;

/// The most columns of features or outputs that are read.
const COLUMNS_MAX: u64 = 100_000;

/// The most bins, or categories, of a column that are read.
const ENTRIES_MAX: u64 = 4096;

/// Bytes that are no counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountsError {
    /// Written by another version.
    #[error("the counts are in format {0}; this version reads format {FORMAT}")]
    Format(u8),
    /// They stop in the middle.
    #[error("the counts end too early")]
    Truncated,
    /// Anything else.
    #[error("the counts are damaged: {0}")]
    Damaged(String),
}

impl VersionCounts {
    /// As they are stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        for number in [self.rows, self.faults.wrong_type, self.faults.missing, self.faults.extra] {
            put(&mut out, number);
        }
        for columns in [&self.features, &self.outputs] {
            put(&mut out, columns.len() as u64);
            columns.iter().for_each(|column| column.write(&mut out));
        }
        out
    }

    /// As they were stored.
    ///
    /// # Errors
    /// When they were not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CountsError> {
        let (format, rest) = bytes.split_first().ok_or(CountsError::Truncated)?;
        if *format != FORMAT {
            return Err(CountsError::Format(*format));
        }
        let mut reader = Reader(rest);
        let rows = reader.number()?;
        let faults = Faults { wrong_type: reader.number()?, missing: reader.number()?, extra: reader.number()? };
        let features = reader.columns()?;
        let outputs = reader.columns()?;
        if !reader.0.is_empty() {
            return Err(CountsError::Damaged(format!("{} bytes are left over", reader.0.len())));
        }
        Ok(Self { rows, features, outputs, faults })
    }
}

impl ColumnCounts {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(counts) => {
                let Written { counts, sums, nulls, infinite, moments } = Written::from((**counts).clone());
                out.push(0);
                [nulls, infinite].into_iter().for_each(|number| put(out, number));
                moments.iter().for_each(|double| out.extend(double.to_le_bytes()));
                put(out, counts.len() as u64);
                for (count, sum) in counts.iter().zip(&sums) {
                    put(out, *count);
                    if *count > 0 {
                        out.extend(sum.to_le_bytes());
                    }
                }
            }
            Self::Category(counts) => {
                out.push(1);
                [counts.nulls, counts.other].into_iter().for_each(|number| put(out, number));
                put(out, counts.values.len() as u64);
                counts.values.iter().for_each(|count| put(out, *count));
            }
        }
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, CountsError> {
        let (byte, rest) = self.0.split_first().ok_or(CountsError::Truncated)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn number(&mut self) -> Result<u64, CountsError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(CountsError::Damaged("a number has more than 64 bits".to_owned()))
    }

    fn double(&mut self) -> Result<f64, CountsError> {
        let (bytes, rest) = self.0.split_first_chunk::<8>().ok_or(CountsError::Truncated)?;
        self.0 = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    fn length(&mut self, most: u64, what: &str) -> Result<usize, CountsError> {
        let length = self.number()?;
        if length > most {
            return Err(CountsError::Damaged(format!("{length} {what} are more than {most}")));
        }
        Ok(length as usize)
    }

    fn columns(&mut self) -> Result<Vec<ColumnCounts>, CountsError> {
        let length = self.length(COLUMNS_MAX, "columns")?;
        (0..length).map(|_| self.column()).collect()
    }

    fn column(&mut self) -> Result<ColumnCounts, CountsError> {
        match self.byte()? {
            0 => {
                let (nulls, infinite) = (self.number()?, self.number()?);
                let moments = vec![self.double()?, self.double()?, self.double()?];
                let (mut counts, mut sums) = (Vec::new(), Vec::new());
                for _ in 0..self.length(ENTRIES_MAX, "bins")? {
                    let count = self.number()?;
                    counts.push(count);
                    sums.push(if count > 0 { self.double()? } else { 0.0 });
                }
                let counts = NumberCounts::try_from(Written { counts, sums, nulls, infinite, moments });
                Ok(ColumnCounts::Number(Box::new(counts.map_err(CountsError::Damaged)?)))
            }
            1 => {
                let (nulls, other) = (self.number()?, self.number()?);
                let length = self.length(ENTRIES_MAX, "categories")?;
                let values = (0..length).map(|_| self.number()).collect::<Result<_, _>>()?;
                Ok(ColumnCounts::Category(CategoryCounts { values, other, nulls }))
            }
            kind => Err(CountsError::Damaged(format!("a column is of the kind {kind}"))),
        }
    }
}
