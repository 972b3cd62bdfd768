//! UBJSON, draft 12, as a source for serde. Lists of numbers of one type are read without a value for each.

mod bytes;
mod value;

use bytes::Bytes;
use serde::Deserialize;
use value::Value;

/// Values inside values, at most.
const DEPTH_MAX: usize = 64;

/// Why bytes are not the UBJSON that was expected.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum UbjsonError {
    #[error("the file ends at byte {0}, in the middle of a value")]
    Ends(usize),
    #[error("byte {at}: 0x{marker:02x} is not the type of {what}")]
    Marker { at: usize, marker: u8, what: &'static str },
    #[error("byte {at}: {count} of {what} do not fit into the {left} bytes that follow")]
    Count { at: usize, count: i64, what: &'static str, left: usize },
    #[error("byte {0}: the string is not UTF-8")]
    NotUtf8(usize),
    #[error("byte {0}: more than {DEPTH_MAX} values inside one another")]
    TooDeep(usize),
    #[error("byte {0}: more bytes follow the value")]
    Trailing(usize),
    #[error("{message} (before byte {at})")]
    Content { at: usize, message: String },
    #[error("{0}")]
    Unplaced(String),
}

impl serde::de::Error for UbjsonError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Unplaced(message.to_string())
    }
}

/// Reads one value, and nothing may follow it.
///
/// # Errors
/// Where what is wrong.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, UbjsonError> {
    let mut bytes = Bytes::new(bytes);
    let marker = bytes.marker()?;
    let read = T::deserialize(Value::new(&mut bytes, marker, DEPTH_MAX));
    let at = bytes.at();
    match read {
        Err(UbjsonError::Unplaced(message)) => Err(UbjsonError::Content { at, message }),
        Ok(_) if bytes.left() > 0 => Err(UbjsonError::Trailing(at)),
        read => read,
    }
}

#[cfg(test)]
pub mod tests;
