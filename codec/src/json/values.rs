//! Tensor elements as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use half::{bf16, f16};
use serde::ser::{Serialize, SerializeMap, Serializer};
use servoir_types::Data;
use std::ops::Range;

/// The elements `range` of a tensor as one flat list. Numbers have the digits that read back as the same value of their
/// own type; NaN and infinity are `null`.
pub struct Flat<'a> {
    /// Where the elements are.
    pub data: &'a Data,
    /// Which of them.
    pub range: Range<usize>,
}

/// The elements `range` of a tensor as lists nested as `dims` says; a single value stands by itself.
pub struct Nested<'a> {
    /// Where the elements are.
    pub data: &'a Data,
    /// Which of them: as many as `dims` multiply to.
    pub range: Range<usize>,
    /// How they are nested.
    pub dims: &'a [usize],
}

impl<'a> Nested<'a> {
    /// A row: as nested as its dimensions, or its only value by itself.
    pub fn row(data: &'a Data, range: Range<usize>, dims: &'a [usize]) -> Self {
        let dims = if range.len() == 1 { &[] } else { dims };
        Self { data, range, dims }
    }
}

/// A byte string: text when it is UTF-8, else `{"b64": "…"}`, from which the bytes can be had back.
struct Text<'a>(&'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("b64", &STANDARD.encode(self.0))?;
        map.end()
    }
}

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let range = self.range.clone();
        match self.data {
            Data::Bool(v) => serializer.collect_seq(&v[range]),
            Data::Uint8(v) => serializer.collect_seq(&v[range]),
            Data::Uint16(v) => serializer.collect_seq(&v[range]),
            Data::Uint32(v) => serializer.collect_seq(&v[range]),
            Data::Uint64(v) => serializer.collect_seq(&v[range]),
            Data::Int8(v) => serializer.collect_seq(&v[range]),
            Data::Int16(v) => serializer.collect_seq(&v[range]),
            Data::Int32(v) => serializer.collect_seq(&v[range]),
            Data::Int64(v) => serializer.collect_seq(&v[range]),
            Data::Fp16(v) => serializer.collect_seq(v[range].iter().map(|value| value.to_f32())),
            Data::Bf16(v) => serializer.collect_seq(v[range].iter().map(|value| value.to_f32())),
            Data::Fp32(v) => serializer.collect_seq(&v[range]),
            Data::Fp64(v) => serializer.collect_seq(&v[range]),
            Data::Bytes(v) => serializer.collect_seq(v[range].iter().map(|value| Text(value))),
        }
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { data, range, dims } = self;
        match dims {
            [] => element(data, range.start, serializer),
            [_] => Flat { data, range: range.clone() }.serialize(serializer),
            [count, inner @ ..] => {
                let size: usize = inner.iter().product();
                serializer.collect_seq((0..*count).map(|n| {
                    let start = range.start + n * size;
                    Nested { data, range: start..start + size, dims: inner }
                }))
            }
        }
    }
}

/// One element by itself.
pub fn element<S: Serializer>(data: &Data, index: usize, serializer: S) -> Result<S::Ok, S::Error> {
    match data {
        Data::Bool(v) => serializer.serialize_bool(v[index]),
        Data::Uint8(v) => serializer.serialize_u8(v[index]),
        Data::Uint16(v) => serializer.serialize_u16(v[index]),
        Data::Uint32(v) => serializer.serialize_u32(v[index]),
        Data::Uint64(v) => serializer.serialize_u64(v[index]),
        Data::Int8(v) => serializer.serialize_i8(v[index]),
        Data::Int16(v) => serializer.serialize_i16(v[index]),
        Data::Int32(v) => serializer.serialize_i32(v[index]),
        Data::Int64(v) => serializer.serialize_i64(v[index]),
        Data::Fp16(v) => serializer.serialize_f32(v[index].to_f32()),
        Data::Bf16(v) => serializer.serialize_f32(v[index].to_f32()),
        Data::Fp32(v) => serializer.serialize_f32(v[index]),
        Data::Fp64(v) => serializer.serialize_f64(v[index]),
        Data::Bytes(v) => Text(&v[index]).serialize(serializer),
    }
}

/// The position of the first element that a JSON number or text cannot express: NaN, infinity, or bytes that are no
/// UTF-8.
pub fn first_inexpressible(data: &Data) -> Option<usize> {
    match data {
        Data::Fp16(v) => v.iter().position(|value: &f16| !value.is_finite()),
        Data::Bf16(v) => v.iter().position(|value: &bf16| !value.is_finite()),
        Data::Fp32(v) => v.iter().position(|value| !value.is_finite()),
        Data::Fp64(v) => v.iter().position(|value| !value.is_finite()),
        Data::Bytes(v) => v.iter().position(|value| std::str::from_utf8(value).is_err()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(data: &Data, dims: &[usize]) -> String {
        serde_json::to_string(&Nested { data, range: 0..data.len(), dims }).unwrap()
    }

    #[test]
    fn elements_are_written_with_their_own_digits() {
        let cases = [
            (Data::Bool(vec![true, false]), "[true,false]"),
            (Data::Uint64(vec![u64::MAX].into()), "[18446744073709551615]"),
            (Data::Int64(vec![i64::MIN].into()), "[-9223372036854775808]"),
            (Data::Fp32(vec![0.1, 1.0, f32::NAN, f32::INFINITY, f32::MAX].into()), "[0.1,1.0,null,null,3.4028235e+38]"),
            (Data::Fp64(vec![0.1, f64::NEG_INFINITY].into()), "[0.1,null]"),
            (Data::Fp16(vec![f16::from_f32(0.5), f16::NAN].into()), "[0.5,null]"),
            (Data::Bf16(vec![bf16::from_f32(2.0)].into()), "[2.0]"),
            (Data::Bytes(vec!["a\"b".into(), vec![0xff, 0].into()]), r#"["a\"b",{"b64":"/wA="}]"#),
        ];
        for (data, expected) in cases {
            assert_eq!(nested(&data, &[data.len()]), expected);
        }
    }

    #[test]
    fn lists_are_nested_as_the_shape_says() {
        let data = Data::Int8((0..6).collect());
        let cases: [(&[usize], &str); 4] = [
            (&[6], "[0,1,2,3,4,5]"),
            (&[2, 3], "[[0,1,2],[3,4,5]]"),
            (&[3, 1, 2], "[[[0,1]],[[2,3]],[[4,5]]]"),
            (&[1, 6], "[[0,1,2,3,4,5]]"),
        ];
        for (dims, expected) in cases {
            assert_eq!(nested(&data, dims), expected);
        }
        assert_eq!(nested(&Data::Int8(vec![7].into()), &[]), "7");
        assert_eq!(nested(&Data::Int8(vec![].into()), &[2, 0]), "[[],[]]");
        assert_eq!(nested(&Data::Int8(vec![].into()), &[0, 2]), "[]");
    }

    #[test]
    fn what_json_cannot_express_is_found() {
        let cases = [
            (Data::Fp32(vec![1.0, f32::NAN].into()), Some(1)),
            (Data::Fp64(vec![f64::INFINITY].into()), Some(0)),
            (Data::Fp64(vec![0.0].into()), None),
            (Data::Bytes(vec!["ok".into(), vec![0xff].into()]), Some(1)),
            (Data::Int8(vec![1].into()), None),
        ];
        for (data, expected) in cases {
            assert_eq!(first_inexpressible(&data), expected);
        }
    }
}
