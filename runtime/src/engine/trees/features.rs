//! Inputs that are rows of features already.

use super::model::Features;
use servoir_types::{Data, Tensor};

/// One input, `[rows, features]`, of the type that the trees compare.
pub struct Matrix;

impl Features<f32> for Matrix {
    fn rows<'a>(&self, inputs: &'a [Tensor], _scratch: &'a mut Vec<f32>) -> Result<&'a [f32], String> {
        match inputs {
            [input] if let Data::Fp32(elements) = input.data() => Ok(elements),
            _ => Err("the trees take one FP32 input".into()),
        }
    }
}

impl Features<f64> for Matrix {
    fn rows<'a>(&self, inputs: &'a [Tensor], _scratch: &'a mut Vec<f64>) -> Result<&'a [f64], String> {
        match inputs {
            [input] if let Data::Fp64(elements) = input.data() => Ok(elements),
            _ => Err("the trees take one FP64 input".into()),
        }
    }
}
