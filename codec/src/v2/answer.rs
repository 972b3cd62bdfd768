//! The answer of `…/infer`.

use super::classification;
use super::outputs::Wanted;
use crate::fault::Fault;
use crate::json::values::{Flat, first_inexpressible};
use crate::raw;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use servoir_types::{Datatype, Signature, Tensor};
use std::borrow::Cow;

/// Room made for the answer at first: for the fields around the values, and for each value that is written as JSON.
const FIELDS_BYTES: usize = 256;
const VALUE_BYTES: usize = 12;

/// The answer to one request.
pub struct Answer<'a> {
    /// The model's name.
    pub name: &'a str,
    /// The version that answered.
    pub version: u64,
    /// What the model gives.
    pub signature: &'a Signature,
    /// In the signature's order.
    pub outputs: &'a [Tensor],
}

/// An answer as it is sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// The JSON, and after it the outputs in binary form.
    pub bytes: Vec<u8>,
    /// How many of the bytes are JSON when outputs in binary form were asked for; `None`: all of them.
    pub head_len: Option<usize>,
}

impl Answer<'_> {
    /// The outputs that were asked for, each in the form in which it was asked for, in one buffer.
    ///
    /// # Errors
    /// [`Fault::NotRepresentable`] for values that JSON cannot express, in outputs that were asked for as JSON.
    pub fn write(&self, wanted: &[Wanted], id: Option<&str>) -> Result<Written, Fault> {
        let outputs = chosen(self.signature, self.outputs, wanted)?;
        write(&Body { model_name: self.name, model_version: self.version.to_string(), id, outputs })
    }
}

fn write(body: &Body<'_>) -> Result<Written, Fault> {
    let room = |output: &Output<'_>| match output.binary_len {
        Some(len) => FIELDS_BYTES + len,
        None => FIELDS_BYTES + output.tensor.data().len() * VALUE_BYTES,
    };
    let mut bytes = Vec::with_capacity(FIELDS_BYTES + body.outputs.iter().map(room).sum::<usize>());
    serde_json::to_writer(&mut bytes, body).map_err(|error| Fault::Defect(error.to_string()))?;
    let head_len = bytes.len();
    let mut has_binary = false;
    for output in body.outputs.iter().filter(|output| output.binary_len.is_some()) {
        raw::write(&output.tensor, &mut bytes)?;
        has_binary = true;
    }
    Ok(Written { bytes, head_len: has_binary.then_some(head_len) })
}

#[derive(Serialize)]
struct Body<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Output<'a>>,
}

/// One output; its values are one flat list, or bytes behind the JSON.
struct Output<'a> {
    name: &'a str,
    tensor: Cow<'a, Tensor>,
    /// How many bytes; `None`: it is written as JSON.
    binary_len: Option<usize>,
}

#[derive(Serialize)]
struct Parameters {
    binary_data_size: usize,
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = self.tensor.data();
        let mut output = serializer.serialize_struct("Output", 4)?;
        output.serialize_field("name", self.name)?;
        output.serialize_field("shape", self.tensor.shape())?;
        output.serialize_field("datatype", &data.datatype())?;
        match self.binary_len {
            Some(binary_data_size) => output.serialize_field("parameters", &Parameters { binary_data_size })?,
            None => output.serialize_field("data", &Flat { data, range: 0..data.len() })?,
        }
        output.end()
    }
}

fn chosen<'a>(signature: &'a Signature, outputs: &'a [Tensor], wanted: &[Wanted]) -> Result<Vec<Output<'a>>, Fault> {
    let output = |wanted: &Wanted| {
        let (Some(spec), Some(tensor)) = (signature.outputs.get(wanted.position), outputs.get(wanted.position)) else {
            return Err(Fault::Defect("the engine gave fewer outputs than the signature has".to_owned()));
        };
        let tensor = match wanted.classes {
            Some(count) => Cow::Owned(classification::of(tensor, spec, count)?),
            None => Cow::Borrowed(tensor),
        };
        if !wanted.binary {
            check(&spec.name, &tensor)?;
        }
        let binary_len = wanted.binary.then(|| raw::len(&tensor));
        Ok(Output { name: &spec.name, tensor, binary_len })
    };
    wanted.iter().map(output).collect()
}

/// Refuses what has no JSON form.
fn check(name: &str, tensor: &Tensor) -> Result<(), Fault> {
    let detail = if tensor.datatype() == Datatype::Bf16 {
        format!("output '{name}' is BF16, which has no JSON form in this protocol; only the binary tensor form has it")
    } else if let Some(position) = first_inexpressible(tensor.data()) {
        let what = if tensor.datatype() == Datatype::Bytes { "not UTF-8" } else { "NaN or infinity" };
        format!(
            "value {position} of output '{name}' is {what}, which JSON cannot express; the binary tensor form can, and \
             /v1/predict writes null or base64"
        )
    } else {
        return Ok(());
    };
    Err(Fault::NotRepresentable(detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Data, Shape, TensorSpec};

    fn written(tensors: Vec<Tensor>, wanted: &[Wanted]) -> Result<Written, String> {
        let specs = tensors.iter().enumerate();
        let specs = specs.map(|(n, t)| TensorSpec::new(format!("o{n}"), t.datatype(), Shape::unranked())).collect();
        let signature = Signature { inputs: vec![], outputs: specs };
        let answer = Answer { name: "m", version: 2, signature: &signature, outputs: &tensors };
        answer.write(wanted, Some("7")).map_err(|error| error.to_string())
    }

    fn plain(position: usize) -> Wanted {
        Wanted { position, classes: None, binary: false }
    }

    fn binary(position: usize) -> Wanted {
        Wanted { binary: true, ..plain(position) }
    }

    fn tensors() -> Vec<Tensor> {
        vec![
            Tensor::new(vec![2, 1], Data::Fp32(vec![0.1, 2.0].into())).unwrap(),
            Tensor::new(vec![1], Data::Bytes(vec!["x".into()])).unwrap(),
        ]
    }

    #[test]
    fn outputs_come_flat_and_in_the_order_asked_for() {
        let expected = concat!(
            r#"{"model_name":"m","model_version":"2","id":"7","outputs":["#,
            r#"{"name":"o1","shape":[1],"datatype":"BYTES","data":["x"]},"#,
            r#"{"name":"o0","shape":[2,1],"datatype":"FP32","data":[0.1,2.0]}]}"#
        );
        let expected = Written { bytes: expected.into(), head_len: None };
        assert_eq!(written(tensors(), &[plain(1), plain(0)]), Ok(expected));
    }

    #[test]
    fn binary_outputs_follow_the_json_in_its_order() {
        let o0 = [0.1f32, 2.0].map(f32::to_le_bytes).concat();
        let o1 = [1, 0, 0, 0, b'x'];
        let json = |first: &str, second: &str| {
            format!(r#"{{"model_name":"m","model_version":"2","id":"7","outputs":[{first},{second}]}}"#)
        };
        let o0_json = r#"{"name":"o0","shape":[2,1],"datatype":"FP32","parameters":{"binary_data_size":8}}"#;
        let o1_json = r#"{"name":"o1","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}"#;
        let o1_flat = r#"{"name":"o1","shape":[1],"datatype":"BYTES","data":["x"]}"#;
        let cases = [
            ([binary(1), binary(0)], json(o1_json, o0_json), [&o1[..], &o0].concat()),
            ([plain(1), binary(0)], json(o1_flat, o0_json), o0.clone()),
        ];
        for (wanted, head, parts) in cases {
            let answer = written(tensors(), &wanted).unwrap();
            assert_eq!(answer.head_len, Some(head.len()));
            assert_eq!(answer.bytes, [head.as_bytes(), &parts].concat());
        }
    }

    #[test]
    fn what_json_cannot_express_is_refused_as_json_alone() {
        let cases = [
            (Data::Fp32(vec![1.0, f32::NAN].into()), "value 1 of output 'o0' is NaN or infinity"),
            (Data::Bytes(vec![vec![0xff].into(), "".into()]), "value 0 of output 'o0' is not UTF-8"),
            (Data::Bf16(vec![Default::default(); 2].into()), "output 'o0' is BF16"),
        ];
        for (data, expected) in cases {
            let tensor = Tensor::new(vec![2], data).unwrap();
            let error = written(vec![tensor.clone()], &[plain(0)]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
            assert!(written(vec![tensor], &[binary(0)]).is_ok());
        }
    }

    #[test]
    fn classes_come_in_binary_form_too() {
        let wanted = Wanted { classes: Some(1), ..binary(0) };
        let answer = written(tensors(), &[wanted]).unwrap();
        let texts = b"\x0a\0\0\x000.100000:0\x0a\0\0\x002.000000:0";
        assert!(answer.bytes.ends_with(texts), "{}", String::from_utf8_lossy(&answer.bytes));
    }
}
