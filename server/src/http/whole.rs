//! Whole numbers in JSON bodies. JSON does not tell `2.0` from `2`, and some clients write the former.

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Above this, a number with a fraction or an exponent may not be the integer that it looks like.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a whole number.
///
/// # Errors
/// When it is no number, has a fraction, or does not fit `T`.
pub fn required<'de, D: Deserializer<'de>, T: TryFrom<i128>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Whole(PhantomData))
}

/// Reads a whole number or `null`, for fields that may be left out.
///
/// # Errors
/// As [`required`].
pub fn optional<'de, D: Deserializer<'de>, T: TryFrom<i128>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<Number<T>>::deserialize(deserializer).map(|number| number.map(|Number(number)| number))
}

struct Number<T>(T);

impl<'de, T: TryFrom<i128>> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        required(deserializer).map(Self)
    }
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<i128>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::any::type_name::<T>())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::try_from(number.into()).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::try_from(number.into()).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        let whole = (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128);
        let fitting = whole.and_then(|whole| T::try_from(whole).ok());
        fitting.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
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
        let refused = serde_json::from_str::<Body>(r#"{"n": 2.5}"#).unwrap_err();
        assert!(refused.to_string().contains("floating point `2.5`, expected i64"), "{refused}");
    }
}
