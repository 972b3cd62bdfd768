//! Rows for a linear function: what is missing adds nothing.

use super::super::model::Features;
use servoir_types::{Data, Tensor};

/// One input, `[rows, features]`, with zero in place of NaN.
pub struct ZeroForMissing;

impl Features<f32> for ZeroForMissing {
    fn rows<'a>(&self, inputs: &'a [Tensor], scratch: &'a mut Vec<f32>) -> Result<&'a [f32], String> {
        let [input] = inputs else { return Err("the model takes one input".into()) };
        let Data::Fp32(elements) = input.data() else { return Err("the model takes FP32".into()) };
        if !elements.iter().any(|element| element.is_nan()) {
            return Ok(elements);
        }
        scratch.clear();
        scratch.extend(elements.iter().map(|element| if element.is_nan() { 0.0 } else { *element }));
        Ok(scratch)
    }
}
