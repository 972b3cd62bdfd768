//! The message that answers a prediction.

use super::proto::ModelInferResponse;
use super::proto::model_infer_response::InferOutputTensor;
use crate::fault::Fault;
use crate::raw;
use crate::v2::{Answer, Wanted, classification};
use servoir_types::Tensor;
use std::borrow::Cow;

impl Answer<'_> {
    /// The outputs that were asked for, their elements as raw contents.
    ///
    /// # Errors
    /// 400 for classes of an output that has no scores.
    pub fn to_message(&self, wanted: &[Wanted], id: Option<String>) -> Result<ModelInferResponse, Fault> {
        let mut message = ModelInferResponse {
            model_name: self.name.to_owned(),
            model_version: self.version.to_string(),
            id: id.unwrap_or_default(),
            ..ModelInferResponse::default()
        };
        for output in wanted {
            let position = output.position;
            let (Some(spec), Some(tensor)) = (self.signature.outputs.get(position), self.outputs.get(position)) else {
                return Err(Fault::Defect("the engine gave fewer outputs than the signature has".to_owned()));
            };
            let tensor = match output.classes {
                Some(count) => Cow::Owned(classification::of(tensor, spec, count)?),
                None => Cow::Borrowed(tensor),
            };
            message.outputs.push(described(&spec.name, &tensor));
            let mut bytes = Vec::new();
            raw::write(&tensor, &mut bytes)?;
            message.raw_output_contents.push(bytes.into());
        }
        Ok(message)
    }
}

fn described(name: &str, tensor: &Tensor) -> InferOutputTensor {
    InferOutputTensor {
        name: name.to_owned(),
        datatype: tensor.datatype().name().to_owned(),
        shape: tensor.shape().iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect(),
        ..InferOutputTensor::default()
    }
}
