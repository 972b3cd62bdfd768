//! Each datatype's elements in JSON.

use super::element::{Element, ElementError};
use super::scanner::Scanner;
use super::{described, float, number, string};
use bytes::Bytes;
use half::{bf16, f16};
use servoir_types::Datatype;

/// Above this, a number written with a fraction or an exponent may not be the integer that it looks like.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Runs `$body` with `$elements` bound to the vector of a tensor's elements, whatever their type.
macro_rules! with_elements {
    ($data:expr, $elements:ident => $body:expr) => {
        with_elements!(@ $data, $elements, $body;
            Uint8 Uint16 Uint32 Uint64 Int8 Int16 Int32 Int64 Fp16 Bf16 Fp32 Fp64)
    };
    (@ $data:expr, $elements:ident, $body:expr; $($number:ident)*) => {
        match $data {
            servoir_types::Data::Bool($elements) => $body,
            servoir_types::Data::Bytes($elements) => $body,
            $(servoir_types::Data::$number(numbers) => {
                let $elements = numbers.to_mut();
                $body
            })*
        }
    };
}
pub(super) use with_elements;

impl Element for bool {
    fn quick(json: &[u8]) -> Option<(Self, usize)> {
        match json {
            [b't', b'r', b'u', b'e', ..] => Some((true, 4)),
            [b'f', b'a', b'l', b's', b'e', ..] => Some((false, 5)),
            _ => None,
        }
    }

    fn read(json: &str) -> Result<Self, ElementError> {
        Err(ElementError::of_type(json, Datatype::Bool, "true or false"))
    }

    fn missing() -> Option<Self> {
        None
    }
}

macro_rules! integers {
    ($($integer:ty: $datatype:ident),*) => {$(
        impl Element for $integer {
            #[inline(always)]
            fn quick(json: &[u8]) -> Option<(Self, usize)> {
                let (value, length) = quick_integer(json)?;
                Some((value.try_into().ok()?, length))
            }

            fn read(json: &str) -> Result<Self, ElementError> {
                match json.parse() {
                    Ok(value) => Ok(value),
                    Err(_) => integer(json, Datatype::$datatype),
                }
            }

            fn missing() -> Option<Self> {
                None
            }
        }
    )*};
}

integers!(
    u8: Uint8, u16: Uint16, u32: Uint32, u64: Uint64, i8: Int8, i16: Int16, i32: Int32, i64: Int64
);

#[inline(always)]
fn quick_integer(json: &[u8]) -> Option<(i64, usize)> {
    let decimal = number::scan(json).filter(|decimal| decimal.is_plain && decimal.is_exact)?;
    let magnitude = i64::try_from(decimal.mantissa).ok()?;
    Some((if decimal.is_negative { -magnitude } else { magnitude }, decimal.length))
}

/// The integer that a number is which its type's own parser refused: `1e3`, `3.0`.
fn integer<T: TryFrom<i128>>(json: &str, datatype: Datatype) -> Result<T, ElementError> {
    if number::scan(json.as_bytes()).is_none() {
        return Err(ElementError::of_type(json, datatype, "whole numbers"));
    }
    let got = || described(json);
    if !json.contains(['.', 'e', 'E']) {
        // Digits alone: as an f64 they could round into the range. `-0` is what an unsigned type's own parser refuses.
        let value = json.parse().ok().and_then(|value: i128| T::try_from(value).ok());
        return value.ok_or_else(|| ElementError::Range { got: got(), datatype });
    }
    let value = f64::read(json).map_err(|_| ElementError::Range { got: got(), datatype })?;
    if value.fract() != 0.0 {
        return Err(ElementError::Fraction { got: got(), datatype });
    }
    if value.abs() > EXACT_MAX {
        return Err(ElementError::Inexact { got: got(), datatype });
    }
    T::try_from(value as i128).map_err(|_| ElementError::Range { got: got(), datatype })
}

macro_rules! floats {
    ($($float:ty: $datatype:ident, $nearest:path, $narrow:expr;)*) => {$(
        impl Element for $float {
            #[inline(always)]
            fn quick(json: &[u8]) -> Option<(Self, usize)> {
                let decimal = number::scan(json)?;
                let value = $narrow($nearest(&decimal, &json[..decimal.length])?);
                value.is_finite().then_some((value, decimal.length))
            }

            fn read(json: &str) -> Result<Self, ElementError> {
                let datatype = Datatype::$datatype;
                if number::scan(json.as_bytes()).is_none() {
                    return Err(ElementError::of_type(json, datatype, "numbers"));
                }
                let value = Self::quick(json.as_bytes()).map(|(value, _)| value);
                value.ok_or_else(|| ElementError::Range { got: described(json), datatype })
            }

            fn missing() -> Option<Self> {
                Some(Self::NAN)
            }
        }
    )*};
}

floats! {
    f16: Fp16, float::single, f16::from_f32;
    bf16: Bf16, float::single, bf16::from_f32;
    f32: Fp32, float::single, f32::from;
    f64: Fp64, float::double, f64::from;
}

impl Element for Bytes {
    fn quick(json: &[u8]) -> Option<(Self, usize)> {
        let [b'"', text @ ..] = json else { return None };
        let length = string::plain_len(text);
        if text.get(length) != Some(&b'"') || std::str::from_utf8(&text[..length]).is_err() {
            return None;
        }
        Some((Self::copy_from_slice(&text[..length]), length + 2))
    }

    fn read(json: &str) -> Result<Self, ElementError> {
        if !json.starts_with('"') {
            return Err(ElementError::of_type(json, Datatype::Bytes, "strings"));
        }
        let text = Scanner::new(json.as_bytes()).string().map_err(|_| ElementError::Text(described(json)))?;
        Ok(text.into_owned().into())
    }

    fn missing() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::element::{Refusal, list};
    use super::*;
    use crate::fault::Fault;
    use servoir_types::Data;

    fn read(datatype: Datatype, json: &str, accepts_missing: bool) -> Result<Data, Refusal> {
        let mut data = Data::with_capacity(datatype, 0);
        let mut scanner = Scanner::new(json.as_bytes());
        scanner.advance(1);
        with_elements!(&mut data, elements => list(&mut scanner, elements, accepts_missing))?;
        scanner.end()?;
        Ok(data)
    }

    #[test]
    fn values_that_a_type_holds_are_read_exactly() {
        let cases = [
            ("true,false", Data::Bool(vec![true, false])),
            ("255,3.0,0", Data::Uint8(vec![255, 3, 0].into())),
            ("-0", Data::Uint16(vec![0].into())),
            ("1e3,4294967295", Data::Uint32(vec![1000, u32::MAX].into())),
            ("18446744073709551615, 9223372036854775808", Data::Uint64(vec![u64::MAX, 1 << 63].into())),
            ("-128,127", Data::Int8(vec![-128, 127].into())),
            ("-9223372036854775808,9223372036854775807", Data::Int64(vec![i64::MIN, i64::MAX].into())),
            ("65504,-0.5", Data::Fp16(vec![f16::MAX, f16::from_f32(-0.5)].into())),
            ("2.0", Data::Bf16(vec![bf16::from_f32(2.0)].into())),
            ("0.1,7 ,1e-3\n", Data::Fp32(vec![0.1, 7.0, 0.001].into())),
            ("1e-400", Data::Fp64(vec![0.0].into())),
            ("2.2250738585072011e-308", Data::Fp64(vec![2.225_073_858_507_201e-308].into())),
            (r#""sn\u00f6 ☃","","plain""#, Data::Bytes(vec!["snö ☃".into(), "".into(), "plain".into()])),
            ("", Data::Int8(vec![].into())),
        ];
        for (json, expected) in cases {
            let read = read(expected.datatype(), &format!("[{json}]"), false);
            assert_eq!(read.unwrap_or_else(|error| panic!("{json}: {error:?}")), expected, "{json}");
        }
    }

    #[test]
    fn values_that_a_type_does_not_hold_are_refused_in_words() {
        let cases = [
            (Datatype::Bool, "1", "1 came where BOOL takes true or false"),
            (Datatype::Uint8, "256", "256 is out of the range of UINT8"),
            (Datatype::Uint8, "-1", "-1 is out of the range of UINT8"),
            (Datatype::Uint8, "1e400", "1e400 is out of the range of UINT8"),
            (Datatype::Uint64, "18446744073709551616", "18446744073709551616 is out of the range of UINT64"),
            (Datatype::Int64, "9223372036854775808", "9223372036854775808 is out of the range of INT64"),
            (Datatype::Int64, "-9223372036854775809", "-9223372036854775809 is out of the range of INT64"),
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
            let Err(Refusal::Element { error, .. }) = read(datatype, &format!("[{json}]"), false) else {
                panic!("{json} as {datatype}");
            };
            assert_eq!(error.to_string(), expected, "{json} as {datatype}");
        }
    }

    #[test]
    fn lists_that_are_not_json_are_refused_for_every_datatype() {
        for datatype in Datatype::ALL {
            for json in
                ["[", "[01]", "[1.]", "[-]", "[NaN]", "[\"\n\"]", "[truth]", "[\"\\x\"]", "[,]", "[1,]", "[\"a]"]
            {
                let refused = read(datatype, json, true);
                let is_syntax = matches!(refused, Err(Refusal::Text(Fault::Syntax(_))));
                // Of another type, and read to its end before that was said.
                let is_type = json == "[1,]" && matches!(refused, Err(Refusal::Element { .. }));
                assert!(is_syntax || is_type, "{json} as {datatype}: {refused:?}");
            }
        }
    }

    #[test]
    fn null_is_nan_where_values_may_be_missing() {
        let data = read(Datatype::Fp32, "[1, null]", true).unwrap();
        assert!(matches!(data, Data::Fp32(v) if v[0] == 1.0 && v[1].is_nan()));
        assert!(matches!(
            read(Datatype::Int8, "[null]", true),
            Err(Refusal::Element { error: ElementError::Null, rank: 0 })
        ));
    }
}
