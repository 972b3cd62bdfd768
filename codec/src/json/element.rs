//! One JSON value to one element of a tensor.

use super::excerpt;
use half::{bf16, f16};
use servoir_types::{Data, Datatype};

/// Above this, a number written with a fraction or an exponent may not be the integer that it looks like.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Why a JSON value is no element of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum ElementError {
    #[error("{got} came where {datatype} takes {expected}")]
    Type { got: String, datatype: Datatype, expected: &'static str },
    #[error("{got} is out of the range of {datatype}")]
    Range { got: String, datatype: Datatype },
    #[error("{got} is not a whole number, which {datatype} takes")]
    Fraction { got: String, datatype: Datatype },
    #[error("{got} is too large to be read exactly as {datatype}; write it without fraction and exponent")]
    Inexact { got: String, datatype: Datatype },
    #[error("null came, and the model has no missing value here")]
    Null,
    #[error("the text {0} is not valid Unicode")]
    Text(String),
}

/// Appends the element that `json`, one valid JSON value, stands for. `null` is NaN where `accepts_missing`.
///
/// # Errors
/// When it is of another type, out of range, or a fraction where whole numbers belong.
pub fn push(data: &mut Data, json: &str, accepts_missing: bool) -> Result<(), ElementError> {
    let json = json.trim();
    if json == "null" {
        return push_missing(data, accepts_missing);
    }
    match data {
        Data::Bool(v) => v.push(boolean(json)?),
        Data::Uint8(v) => v.push(integer(json, Datatype::Uint8)?),
        Data::Uint16(v) => v.push(integer(json, Datatype::Uint16)?),
        Data::Uint32(v) => v.push(integer(json, Datatype::Uint32)?),
        Data::Uint64(v) => v.push(integer(json, Datatype::Uint64)?),
        Data::Int8(v) => v.push(integer(json, Datatype::Int8)?),
        Data::Int16(v) => v.push(integer(json, Datatype::Int16)?),
        Data::Int32(v) => v.push(integer(json, Datatype::Int32)?),
        Data::Int64(v) => v.push(integer(json, Datatype::Int64)?),
        Data::Fp16(v) => {
            let value = f16::from_f32(single(json, Datatype::Fp16)?);
            v.push(finite(value, value.is_finite(), json, Datatype::Fp16)?);
        }
        Data::Bf16(v) => {
            let value = bf16::from_f32(single(json, Datatype::Bf16)?);
            v.push(finite(value, value.is_finite(), json, Datatype::Bf16)?);
        }
        Data::Fp32(v) => v.push(single(json, Datatype::Fp32)?),
        Data::Fp64(v) => v.push(double(json, Datatype::Fp64)?),
        Data::Bytes(v) => v.push(text(json)?.into()),
    }
    Ok(())
}

/// Appends NaN, which stands for a missing value.
///
/// # Errors
/// [`ElementError::Null`] where the model has no missing value or the type has no NaN.
pub fn push_missing(data: &mut Data, accepts_missing: bool) -> Result<(), ElementError> {
    match data {
        Data::Fp16(v) if accepts_missing => v.push(f16::NAN),
        Data::Bf16(v) if accepts_missing => v.push(bf16::NAN),
        Data::Fp32(v) if accepts_missing => v.push(f32::NAN),
        Data::Fp64(v) if accepts_missing => v.push(f64::NAN),
        _ => return Err(ElementError::Null),
    }
    Ok(())
}

fn is_number(json: &str) -> bool {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

fn wrong_type(json: &str, datatype: Datatype, expected: &'static str) -> ElementError {
    let got = match json.as_bytes().first() {
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        _ => excerpt(json),
    };
    ElementError::Type { got, datatype, expected }
}

fn boolean(json: &str) -> Result<bool, ElementError> {
    match json {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong_type(json, Datatype::Bool, "true or false")),
    }
}

fn integer<T: std::str::FromStr + TryFrom<i128>>(json: &str, datatype: Datatype) -> Result<T, ElementError> {
    if let Ok(value) = json.parse() {
        return Ok(value);
    }
    if !is_number(json) {
        return Err(wrong_type(json, datatype, "whole numbers"));
    }
    let got = || excerpt(json);
    let value = double(json, datatype)?;
    if value.fract() != 0.0 {
        return Err(ElementError::Fraction { got: got(), datatype });
    }
    if value.abs() > EXACT_MAX && json.contains(['.', 'e', 'E']) {
        return Err(ElementError::Inexact { got: got(), datatype });
    }
    // A number of digits alone that the type's own parser refused is out of range, however the conversion rounds it.
    T::try_from(value as i128).map_err(|_| ElementError::Range { got: got(), datatype })
}

fn single(json: &str, datatype: Datatype) -> Result<f32, ElementError> {
    if !is_number(json) {
        return Err(wrong_type(json, datatype, "numbers"));
    }
    let value: f32 = json.parse().map_err(|_| wrong_type(json, datatype, "numbers"))?;
    finite(value, value.is_finite(), json, datatype)
}

fn double(json: &str, datatype: Datatype) -> Result<f64, ElementError> {
    if !is_number(json) {
        return Err(wrong_type(json, datatype, "numbers"));
    }
    let value: f64 = json.parse().map_err(|_| wrong_type(json, datatype, "numbers"))?;
    finite(value, value.is_finite(), json, datatype)
}

fn finite<T>(value: T, is_finite: bool, json: &str, datatype: Datatype) -> Result<T, ElementError> {
    if is_finite { Ok(value) } else { Err(ElementError::Range { got: excerpt(json), datatype }) }
}

fn text(json: &str) -> Result<Vec<u8>, ElementError> {
    if !json.starts_with('"') {
        return Err(wrong_type(json, Datatype::Bytes, "strings"));
    }
    serde_json::from_str::<String>(json).map(String::into_bytes).map_err(|_| ElementError::Text(excerpt(json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(datatype: Datatype, json: &str) -> Result<Data, String> {
        let mut data = Data::with_capacity(datatype, 1);
        push(&mut data, json, false).map(|()| data).map_err(|error| error.to_string())
    }

    #[test]
    fn values_that_a_type_holds_are_read_exactly() {
        let cases = [
            ("true", Data::Bool(vec![true])),
            ("255", Data::Uint8(vec![255].into())),
            ("3.0", Data::Uint8(vec![3].into())),
            ("-0", Data::Uint16(vec![0].into())),
            ("1e3", Data::Uint32(vec![1000].into())),
            ("18446744073709551615", Data::Uint64(vec![u64::MAX].into())),
            ("-128", Data::Int8(vec![-128].into())),
            ("-9223372036854775808", Data::Int64(vec![i64::MIN].into())),
            ("65504", Data::Fp16(vec![f16::MAX].into())),
            ("0.1", Data::Fp32(vec![0.1].into())),
            ("7", Data::Fp32(vec![7.0].into())),
            ("1e-400", Data::Fp64(vec![0.0].into())),
            ("2.2250738585072011e-308", Data::Fp64(vec![2.225_073_858_507_201e-308].into())),
            (r#""sn\u00f6 ☃""#, Data::Bytes(vec!["snö ☃".into()])),
        ];
        for (json, expected) in cases {
            assert_eq!(read(expected.datatype(), json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn values_that_a_type_does_not_hold_are_refused_in_words() {
        let cases = [
            (Datatype::Bool, "1", "1 came where BOOL takes true or false"),
            (Datatype::Uint8, "256", "256 is out of the range of UINT8"),
            (Datatype::Uint8, "-1", "-1 is out of the range of UINT8"),
            (Datatype::Uint64, "18446744073709551616", "18446744073709551616 is out of the range of UINT64"),
            (Datatype::Int64, "9223372036854775808", "9223372036854775808 is out of the range of INT64"),
            (
                Datatype::Int64,
                "1e18",
                "1e18 is too large to be read exactly as INT64; write it without fraction and exponent",
            ),
            (Datatype::Int32, "1.5", "1.5 is not a whole number, which INT32 takes"),
            (Datatype::Int32, "\"1\"", "\"1\" came where INT32 takes whole numbers"),
            (Datatype::Fp16, "65520", "65520 is out of the range of FP16"),
            (Datatype::Fp32, "1e39", "1e39 is out of the range of FP32"),
            (Datatype::Fp64, "1e400", "1e400 is out of the range of FP64"),
            (Datatype::Fp64, "true", "true came where FP64 takes numbers"),
            (Datatype::Fp32, "[1]", "a list came where FP32 takes numbers"),
            (Datatype::Fp32, "{}", "an object came where FP32 takes numbers"),
            (Datatype::Fp32, "null", "null came, and the model has no missing value here"),
            (Datatype::Bytes, "5", "5 came where BYTES takes strings"),
            (Datatype::Bytes, r#""\ud800""#, r#"the text "\ud800" is not valid Unicode"#),
        ];
        for (datatype, json, expected) in cases {
            assert_eq!(read(datatype, json), Err(expected.to_owned()), "{json} as {datatype}");
        }
    }

    #[test]
    fn null_is_nan_where_values_may_be_missing() {
        let mut data = Data::Fp32(vec![].into());
        assert_eq!(push(&mut data, "null", true), Ok(()));
        assert!(matches!(data, Data::Fp32(v) if v[0].is_nan()));
        assert_eq!(push(&mut Data::Int8(vec![].into()), "null", true), Err(ElementError::Null));
    }
}
