//! The answer of `…/infer`.

use super::classification;
use super::outputs::Wanted;
use crate::fault::Fault;
use crate::json::values::{Flat, first_inexpressible};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use servoir_types::{Datatype, Signature, Tensor};
use std::borrow::Cow;

/// Room made for the answer at first: for the fields around the values, and for each value.
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

impl Answer<'_> {
    /// The outputs that were asked for, as JSON.
    ///
    /// # Errors
    /// [`Fault::NotRepresentable`] for values that JSON cannot express.
    pub fn to_json(&self, wanted: &[Wanted], id: Option<&str>) -> Result<Vec<u8>, Fault> {
        let outputs = chosen(self.signature, self.outputs, wanted)?;
        let values: usize = outputs.iter().map(|output| output.tensor.data().len()).sum();
        let body = Body { model_name: self.name, model_version: self.version.to_string(), id, outputs };
        let mut bytes = Vec::with_capacity(FIELDS_BYTES + values * VALUE_BYTES);
        serde_json::to_writer(&mut bytes, &body).map_err(|error| Fault::Defect(error.to_string()))?;
        Ok(bytes)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model_name: &'a str,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Output<'a>>,
}

/// One output; its values are one flat list.
struct Output<'a> {
    name: &'a str,
    tensor: Cow<'a, Tensor>,
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = self.tensor.data();
        let mut output = serializer.serialize_struct("Output", 4)?;
        output.serialize_field("name", self.name)?;
        output.serialize_field("shape", self.tensor.shape())?;
        output.serialize_field("datatype", &data.datatype())?;
        output.serialize_field("data", &Flat { data, range: 0..data.len() })?;
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
        check(&spec.name, &tensor)?;
        Ok(Output { name: &spec.name, tensor })
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

    fn written(tensors: Vec<Tensor>, wanted: &[Wanted]) -> Result<String, String> {
        let specs = tensors.iter().enumerate();
        let specs = specs.map(|(n, t)| TensorSpec::new(format!("o{n}"), t.datatype(), Shape::unranked())).collect();
        let signature = Signature { inputs: vec![], outputs: specs };
        let outputs = chosen(&signature, &tensors, wanted).map_err(|error| error.to_string())?;
        let answer = Body { model_name: "m", model_version: "2".into(), id: Some("7"), outputs };
        Ok(serde_json::to_string(&answer).unwrap())
    }

    fn plain(position: usize) -> Wanted {
        Wanted { position, classes: None, binary: false }
    }

    #[test]
    fn outputs_come_flat_and_in_the_order_asked_for() {
        let tensors = vec![
            Tensor::new(vec![2, 1], Data::Fp32(vec![0.1, 2.0].into())).unwrap(),
            Tensor::new(vec![1], Data::Bytes(vec!["x".into()])).unwrap(),
        ];
        let expected = concat!(
            r#"{"model_name":"m","model_version":"2","id":"7","outputs":["#,
            r#"{"name":"o1","shape":[1],"datatype":"BYTES","data":["x"]},"#,
            r#"{"name":"o0","shape":[2,1],"datatype":"FP32","data":[0.1,2.0]}]}"#
        );
        assert_eq!(written(tensors, &[plain(1), plain(0)]), Ok(expected.to_owned()));
    }

    #[test]
    fn what_json_cannot_express_is_refused() {
        let cases = [
            (Data::Fp32(vec![1.0, f32::NAN].into()), "value 1 of output 'o0' is NaN or infinity"),
            (Data::Bytes(vec![vec![0xff].into(), "".into()]), "value 0 of output 'o0' is not UTF-8"),
            (Data::Bf16(vec![Default::default(); 2].into()), "output 'o0' is BF16"),
        ];
        for (data, expected) in cases {
            let error = written(vec![Tensor::new(vec![2], data).unwrap()], &[plain(0)]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
