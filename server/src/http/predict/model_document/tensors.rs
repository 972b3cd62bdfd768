//! The schemas of a model's values: what an element may be, and how lists of them are nested.

use serde_json::{Value, json};
use servoir_types::{Datatype, TensorSpec};

/// From here on, numbers are nearer to the infinity of FP16 than to its largest number.
const FP16_END: f64 = 65_520.0;
/// The same of BF16.
const BF16_END: f64 = 3.396_177_529_230_495_7e38;
/// The largest number that is read as FP32. Its digits are a little less than the middle between the type's largest number
/// and infinity, which no double is nearer to.
const FP32_MAX: f64 = 3.402_823_567_797_336_6e38;

/// The schema of one element.
pub fn element(spec: &TensorSpec) -> Value {
    let mut element = match spec.datatype {
        Datatype::Bool => json!({"type": "boolean"}),
        Datatype::Uint8 => integer(0, u8::MAX.into()),
        Datatype::Uint16 => integer(0, u16::MAX.into()),
        Datatype::Uint32 => integer(0, u32::MAX.into()),
        Datatype::Uint64 => integer(0, u64::MAX),
        Datatype::Int8 => integer(i8::MIN.into(), i8::MAX as u64),
        Datatype::Int16 => integer(i16::MIN.into(), i16::MAX as u64),
        Datatype::Int32 => integer(i32::MIN.into(), i32::MAX as u64),
        Datatype::Int64 => integer(i64::MIN, i64::MAX as u64),
        Datatype::Fp16 => number(FP16_END),
        Datatype::Bf16 => number(BF16_END),
        Datatype::Fp32 => json!({"type": "number", "minimum": -FP32_MAX, "maximum": FP32_MAX}),
        Datatype::Fp64 => json!({"type": "number"}),
        Datatype::Bytes => json!({"type": "string"}),
    };
    if takes_null(spec) {
        element["type"] = json!([element["type"], "null"]);
    }
    element
}

/// Whether `null` stands for a missing value.
pub fn takes_null(spec: &TensorSpec) -> bool {
    spec.accepts_missing && spec.datatype.is_float()
}

/// The schema of lists nested as `dims` says; -1 is a free dimension.
pub fn nested(dims: &[i64], element: &Value) -> Value {
    let Some((&dim, inner)) = dims.split_first() else { return element.clone() };
    let mut list = json!({"type": "array", "items": nested(inner, element)});
    if dim >= 0 {
        list["minItems"] = dim.into();
        list["maxItems"] = dim.into();
    }
    list
}

/// The same for lists of rows: at least one, and at most `rows_max` where the model declares no number.
pub fn rows(dims: &[i64], element: &Value, rows_max: usize) -> Value {
    let mut list = nested(dims, element);
    if dims.first().is_some_and(|&dim| dim < 0) {
        list["minItems"] = 1.into();
        list["maxItems"] = rows_max.into();
    }
    list
}

fn integer(minimum: i64, maximum: u64) -> Value {
    json!({"type": "integer", "minimum": minimum, "maximum": maximum})
}

fn number(end: f64) -> Value {
    json!({"type": "number", "exclusiveMinimum": -end, "exclusiveMaximum": end})
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Shape;

    #[test]
    fn elements_have_the_ranges_of_their_types() {
        let cases = [
            (Datatype::Bool, json!({"type": "boolean"})),
            (Datatype::Int8, json!({"type": "integer", "minimum": -128, "maximum": 127})),
            (Datatype::Uint64, json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})),
            (Datatype::Fp16, json!({"type": "number", "exclusiveMinimum": -65520.0, "exclusiveMaximum": 65520.0})),
            (Datatype::Fp64, json!({"type": "number"})),
            (Datatype::Bytes, json!({"type": "string"})),
        ];
        for (datatype, expected) in cases {
            let mut spec = TensorSpec::new("x", datatype, Shape::ranked([-1, 2]));
            assert_eq!(element(&spec), expected, "{datatype}");
            spec.accepts_missing = true;
            let nullable = json!([expected["type"], "null"]);
            let expected = if datatype.is_float() { &nullable } else { &expected["type"] };
            assert_eq!(element(&spec)["type"], *expected, "{datatype}");
        }
    }

    #[test]
    fn the_ends_are_where_decoding_gives_infinity() {
        assert_eq!(FP32_MAX.to_string().parse(), Ok(f32::MAX));
        assert_eq!(FP32_MAX.next_up().to_string().parse(), Ok(f32::INFINITY));
        let (fp16, bf16) = (FP16_END as f32, BF16_END as f32);
        assert!(half::f16::from_f32(fp16).is_infinite() && half::f16::from_f32(fp16.next_down()).is_finite());
        assert!(half::bf16::from_f32(bf16).is_infinite() && half::bf16::from_f32(bf16.next_down()).is_finite());
    }

    #[test]
    fn lists_are_as_long_as_the_model_declares() {
        let element = json!({});
        let pair = json!({"type": "array", "items": {}, "minItems": 2, "maxItems": 2});
        assert_eq!(nested(&[], &element), element);
        assert_eq!(nested(&[-1, 2], &element), json!({"type": "array", "items": pair}));
        let expected = json!({"type": "array", "items": pair, "minItems": 1, "maxItems": 9});
        assert_eq!(rows(&[-1, 2], &element, 9), expected);
        assert_eq!(rows(&[2], &element, 9), pair);
    }
}
