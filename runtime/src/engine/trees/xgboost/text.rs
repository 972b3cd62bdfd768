//! Single values as XGBoost writes them: numbers in strings, flags as numbers, and what JSON has no numbers for.

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// A number in a string, as parameters are written: `"5"`.
pub struct Text<T>(pub T);

/// Numbers in a string: `"5E-1"` or `"[5E-1,2E0]"`.
pub struct Texts<T>(pub Vec<T>);

/// A number of 32 bits, whatever type it is written as; strings stand for what JSON lacks, see [`super::nonfinite`].
pub struct Float(pub f32);

/// A boolean, or 0 or 1.
pub struct Flag(pub bool);

impl<'de, T: FromStr> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = |text: &str| text.trim().parse().ok().map(Self);
        deserializer.deserialize_str(Parsed(parsed, PhantomData))
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Texts<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = |text: &str| {
            let list = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            list.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>().map(Self)
        };
        deserializer.deserialize_str(Parsed(parsed, PhantomData))
    }
}

struct Parsed<F, T>(F, PhantomData<T>);

impl<F: Fn(&str) -> Option<T>, T> Visitor<'_> for Parsed<F, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number in a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        self.0(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FloatVisitor)
    }
}

struct FloatVisitor;

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // XGBoost keeps 32 bits
impl Visitor<'_> for FloatVisitor {
    type Value = Float;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f32<E: Error>(self, number: f32) -> Result<Float, E> {
        Ok(Float(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Float, E> {
        Ok(Float(number as f32))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Float, E> {
        Ok(Float(number as f32))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Float, E> {
        Ok(Float(number as f32))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Float, E> {
        let number = super::nonfinite::number(text);
        number.map(Float).ok_or_else(|| E::invalid_type(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, 0 or 1")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Flag, E> {
        Ok(Flag(flag))
    }

    fn visit_i64<E: Error>(self, flag: i64) -> Result<Flag, E> {
        Ok(Flag(flag != 0))
    }

    fn visit_u64<E: Error>(self, flag: u64) -> Result<Flag, E> {
        Ok(Flag(flag != 0))
    }
}
