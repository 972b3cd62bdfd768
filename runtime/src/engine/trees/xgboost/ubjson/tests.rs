//! UBJSON against JSON.

use super::*;
use serde_json::{Value, json};

/// A value in UBJSON, every list with a count, numbers in the widest type.
pub fn encoded(value: &Value) -> Vec<u8> {
    let counted = |count: usize| [b"L".as_slice(), &(count as u64).to_be_bytes()].concat();
    let text = |text: &str| [counted(text.len()), text.as_bytes().to_vec()].concat();
    match value {
        Value::Null => b"Z".to_vec(),
        Value::Bool(flag) => if *flag { b"T" } else { b"F" }.to_vec(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => [b"L".as_slice(), &whole.to_be_bytes()].concat(),
            None => [b"D".as_slice(), &number.as_f64().unwrap_or_default().to_be_bytes()].concat(),
        },
        Value::String(string) => [b"S".to_vec(), text(string)].concat(),
        Value::Array(list) => {
            let elements = list.iter().flat_map(encoded);
            [b"[#".to_vec(), counted(list.len()), elements.collect()].concat()
        }
        Value::Object(object) => {
            let entries = object.iter().flat_map(|(key, value)| [text(key), encoded(value)].concat());
            [b"{".to_vec(), entries.collect(), b"}".to_vec()].concat()
        }
    }
}

#[test]
fn every_type_is_read() {
    let cases: [(&[u8], Value); 24] = [
        (b"Z", json!(null)),
        (b"NNT", json!(true)),
        (b"F", json!(false)),
        (b"i\xff", json!(-1)),
        (b"U\xff", json!(255)),
        (b"I\x80\x00", json!(-32768)),
        (b"l\xff\xff\xff\xfe", json!(-2)),
        (b"L\x00\x00\x00\x01\x00\x00\x00\x00", json!(1u64 << 32)),
        (b"d\x3f\x80\x00\x00", json!(1.0)),
        (b"D\xbf\xf0\x00\x00\x00\x00\x00\x00", json!(-1.0)),
        (b"Ca", json!("a")),
        (b"Si\x02hi", json!("hi")),
        (b"[]", json!([])),
        (b"[i\x01N[T]N]", json!([1, [true]])),
        (b"[#i\x02i\x01Z", json!([1, null])),
        (b"[$U#i\x03\x01\x02\xff", json!([1, 2, 255])),
        (b"[$i#U\x02\x01\xff", json!([1, -1])),
        (b"[$I#I\x00\x01\x01\x00", json!([256])),
        (b"[$l#l\x00\x00\x00\x01\x00\x00\x00\x07", json!([7])),
        (b"[$L#L\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x07", json!([7])),
        (b"[$d#i\x02\x3f\x80\x00\x00\x40\x00\x00\x00", json!([1.0, 2.0])),
        (b"[$D#i\x01\xbf\xf0\x00\x00\x00\x00\x00\x00", json!([-1.0])),
        (b"{i\x01a[$d#i\x00i\x01b{}}", json!({"a": [], "b": {}})),
        (b"{$U#i\x02i\x01a\x01i\x01b\x02", json!({"a": 1, "b": 2})),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(from_slice::<Value>(bytes).unwrap(), wanted, "{}", bytes.escape_ascii());
    }
    let value = json!({"a": [1, -2.5, "x", null, true], "b": {"c": []}});
    assert_eq!(from_slice::<Value>(&encoded(&value)).unwrap(), value);
}

#[test]
fn what_is_passed_over_is_passed_over_whole() {
    #[derive(serde::Deserialize)]
    struct Last {
        last: u8,
    }
    let passed: [&[u8]; 6] = [
        b"Si\x02hi",
        b"[$d#i\x02\x3f\x80\x00\x00\x40\x00\x00\x00",
        b"[i\x01[]]",
        b"[#i\x01{}",
        b"{i\x01aZ}",
        b"D01234567",
    ];
    for value in passed {
        let bytes = [b"{i\x05first", value, b"i\x04lasti\x07}"].concat();
        assert_eq!(from_slice::<Last>(&bytes).unwrap().last, 7, "{}", value.escape_ascii());
    }
}

#[test]
fn what_is_no_ubjson_is_refused_with_its_place() {
    let cases: [(&[u8], &str); 15] = [
        (b"", "ends at byte 0"),
        (b"[", "ends at byte 1"),
        (b"d\x00", "ends at byte 2"),
        (b"x", "byte 0: 0x78 is not the type of a value"),
        (b"Hi\x011", "0x48 is not the type of a value"),
        (b"ZZ", "byte 1: more bytes follow"),
        (b"Si\x05hi", "byte 1: 5 of letters do not fit into the 2 bytes"),
        (b"Si\xffhi", "-1 of letters"),
        (b"Sd\x00\x00\x00\x00", "0x64 is not the type of a count"),
        (b"Si\x01\xff", "byte 3: the string is not UTF-8"),
        (b"[$T#L\x00\x00\x00\xff\xff\xff\xff\xff", "0x54 is not the type of the elements of a list of numbers"),
        (b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff", "9223372036854775807 of elements"),
        (b"[#i\x02Z", "2 of elements do not fit into the 1 bytes"),
        (b"[$d\x00", "a list without a count"),
        (b"{i\x01a", "ends at byte 4"),
    ];
    for (bytes, wanted) in cases {
        let error = from_slice::<Value>(bytes).unwrap_err().to_string();
        assert!(error.contains(wanted), "{}: {error}", bytes.escape_ascii());
    }
    let error = from_slice::<Vec<u8>>(b"[i\x01Z]").unwrap_err().to_string();
    assert!(error.contains("invalid type: unit value, expected u8 (before byte 4)"), "{error}");
}
