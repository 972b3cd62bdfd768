//! Whole numbers in JSON bodies. JSON does not tell `2.0` from `2`, and some clients write the former.

use serde::de::{self, Deserializer, Unexpected, Visitor};
use std::fmt;

/// Above this, a number with a fraction or an exponent may not be the integer that it looks like.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a whole number; for fields that are there.
///
/// # Errors
/// When it is no number, has a fraction, or does not fit 64 bits.
pub fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_any(Whole)
}

/// Reads a whole number or `null`; for fields that may be left out.
///
/// # Errors
/// As [`required`].
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    deserializer.deserialize_option(OrNull)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 64 bits")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
            return Ok(number as i64);
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }
}

struct OrNull;

impl<'de> Visitor<'de> for OrNull {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Whole.expecting(f)
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        required(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "super::optional")]
        n: Option<i64>,
    }

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        let cases = [
            ("{}", Some(None)),
            (r#"{"n": null}"#, Some(None)),
            (r#"{"n": 2}"#, Some(Some(2))),
            (r#"{"n": 2.0}"#, Some(Some(2))),
            (r#"{"n": -2e3}"#, Some(Some(-2000))),
            (r#"{"n": 9223372036854775807}"#, Some(Some(i64::MAX))),
            (r#"{"n": 9223372036854775808}"#, None),
            (r#"{"n": 1e16}"#, None),
            (r#"{"n": 2.5}"#, None),
            (r#"{"n": "2"}"#, None),
            (r#"{"n": true}"#, None),
        ];
        for (body, expected) in cases {
            assert_eq!(serde_json::from_str::<Body>(body).ok().map(|body| body.n), expected, "{body}");
        }
    }
}
