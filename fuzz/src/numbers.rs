//! The elements of a JSON list: taken when the standard library takes them, and then the same to the last bit.

use crate::{check, oracle, signatures};
use bytes::Bytes;
use serde_json::value::RawValue;
use servoir_codec::v2;
use servoir_types::{Datatype, Shape, Signature, TensorSpec};

/// Reads what stands between the brackets as each type of number.
pub fn run(items: &[u8]) {
    let list = [b"[", items, b"]"].concat();
    // What closes the list and opens something else is for the targets of whole bodies.
    let values = std::str::from_utf8(&list).ok().and_then(|text| serde_json::from_str::<Vec<&RawValue>>(text).ok());
    let values = values.map(|values| values.into_iter().map(RawValue::get).collect::<Vec<_>>());
    let count = values.as_ref().map_or(1, Vec::len);
    for datatype in Datatype::ALL.into_iter().filter(|&datatype| datatype.is_integer() || datatype.is_float()) {
        if datatype == Datatype::Bf16 {
            continue; // has no JSON form
        }
        let spec = TensorSpec::new("x", datatype, Shape::ranked([-1]));
        let signature = Signature { inputs: vec![spec], outputs: vec![] };
        let mut model = signatures::of(&signature);
        model.rows_max = usize::MAX;
        let head = format!(r#"{{"inputs": [{{"name": "x", "datatype": "{datatype}", "shape": [{count}], "data": ["#);
        let body = Bytes::from([head.as_bytes(), items, b"]}]}"].concat());
        let asked = v2::Asked::read(&body, None, model);
        let Some(values) = &values else {
            assert!(asked.is_err() || oracle::is_json(&body), "what is not JSON was taken");
            continue;
        };
        match (asked, oracle::elements(&signature.inputs[0], values)) {
            (Ok(asked), Some(wanted)) => check::same_elements(asked.inputs[0].data(), &wanted),
            (Ok(asked), None) => panic!("taken as {datatype}: {:?}", asked.inputs),
            (Err(fault), Some(_)) => panic!("refused as {datatype}: {fault}"),
            (Err(fault), None) => check::refusal(&fault),
        }
    }
}
