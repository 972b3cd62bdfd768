//! What a JSON body must be read as: serde_json splits it, the standard library reads its numbers. Slow and short.

use half::{bf16, f16};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use servoir_types::{Data, Datatype, Elements, TensorSpec};

/// From here on, a number written with a fraction or an exponent may not be the integer that it looks like.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Whether the bytes are one JSON value in UTF-8.
pub fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Whether half of a surrogate pair is written anywhere. By itself it is JSON and no text.
pub fn has_surrogate(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| matches!(window, [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F']))
}

/// The values of a list, of the lists in it and so on, in order.
pub fn flat(json: &RawValue) -> Vec<&str> {
    match serde_json::from_str::<Vec<&RawValue>>(json.get()) {
        Ok(items) => items.into_iter().flat_map(flat).collect(),
        Err(_) => vec![json.get()],
    }
}

/// The elements that JSON values stand for in a tensor; `None` when one of them is none of its elements.
pub fn elements(spec: &TensorSpec, values: &[&str]) -> Option<Data> {
    let missing = spec.accepts_missing;
    Some(match spec.datatype {
        Datatype::Bool => Data::Bool(each(values, |text| serde_json::from_str(text).ok())?),
        Datatype::Uint8 => Data::Uint8(integers(values)?),
        Datatype::Uint16 => Data::Uint16(integers(values)?),
        Datatype::Uint32 => Data::Uint32(integers(values)?),
        Datatype::Uint64 => Data::Uint64(integers(values)?),
        Datatype::Int8 => Data::Int8(integers(values)?),
        Datatype::Int16 => Data::Int16(integers(values)?),
        Datatype::Int32 => Data::Int32(integers(values)?),
        Datatype::Int64 => Data::Int64(integers(values)?),
        Datatype::Fp16 => Data::Fp16(each(values, |text| {
            if text == "null" && missing {
                return Some(f16::NAN);
            }
            single(text, false).map(f16::from_f32).filter(|value| value.is_finite())
        })?),
        Datatype::Bf16 => Data::Bf16(each(values, |text| {
            if text == "null" && missing {
                return Some(bf16::NAN);
            }
            single(text, false).map(bf16::from_f32).filter(|value| value.is_finite())
        })?),
        Datatype::Fp32 => Data::Fp32(each(values, |text| single(text, missing))?),
        Datatype::Fp64 => Data::Fp64(each(values, |text| double(text, missing))?),
        Datatype::Bytes => Data::Bytes(each(values, |text| serde_json::from_str::<String>(text).ok().map(Into::into))?),
    })
}

fn each<T, C: FromIterator<T>>(values: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<C> {
    values.iter().map(|text| read(text)).collect()
}

fn single(text: &str, missing: bool) -> Option<f32> {
    match text {
        "null" => missing.then_some(f32::NAN),
        _ if is_number(text) => text.parse().ok().filter(|value: &f32| value.is_finite()),
        _ => None,
    }
}

fn double(text: &str, missing: bool) -> Option<f64> {
    match text {
        "null" => missing.then_some(f64::NAN),
        _ if is_number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
        _ => None,
    }
}

/// What is a JSON value and begins like a number is one.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

fn integers<T: TryFrom<i128>>(values: &[&str]) -> Option<Elements<T>> {
    each(values, |text| T::try_from(integer(text)?).ok())
}

/// The whole number that a JSON value is, `3.0` and `1e3` too where a double holds it exactly.
pub fn integer(text: &str) -> Option<i128> {
    if !is_number(text) {
        return None;
    }
    if !text.contains(['.', 'e', 'E']) {
        return text.parse().ok();
    }
    let value = double(text, false)?;
    #[allow(clippy::cast_possible_truncation)] // whole, and within 2^53
    (value.fract() == 0.0 && value.abs() <= EXACT_MAX).then_some(value as i128)
}
