//! Floating-point numbers in JSON without the loss of a bit: base64 of little-endian doubles. An edge that moved by one
//! unit in the last place on its way through the database would count equal values apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// For `#[serde(with)]` on a list of numbers.
pub fn serialize<S: Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    bytes::serialize(&bytes, serializer)
}

/// For `#[serde(with)]` on a list of numbers.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let bytes = bytes::deserialize(deserializer)?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(D::Error::custom(format!("{} bytes are no list of doubles of 8 bytes each", bytes.len())));
    }
    Ok(numbers.iter().map(|number| f64::from_le_bytes(*number)).collect())
}

/// For `#[serde(with)]` on bytes.
pub mod bytes {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}
