//! The binary tensor extension: tensors behind the JSON, or a body that is nothing but a tensor.

use super::expected;
use super::input::Target;
use crate::fault::Fault;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::raw;
use bytes::Bytes;
use servoir_types::{Data, Tensor};

/// The header that says how long the JSON is, as messages name it.
pub const HEADER: &str = "Inference-Header-Content-Length";

/// The tensors that are to come behind the JSON, in its order.
#[derive(Default)]
pub struct Parts<'m>(Vec<(Target<'m>, u64)>);

impl<'m> Parts<'m> {
    /// Notes that the tensor of `target` comes next, in `bytes` bytes.
    pub fn expect(&mut self, target: Target<'m>, bytes: u64) {
        self.0.push((target, bytes));
    }

    /// Reads the tensors from what is behind the JSON, as views of it where that can be.
    ///
    /// # Errors
    /// [`Fault::Form`] when the sizes do not add up to what came, or one does not fit its shape.
    pub fn read(self, mut behind: Bytes, inputs: &mut Inputs<'_>) -> Result<(), Fault> {
        let wanted = self.0.iter().try_fold(0u64, |sum, (_, bytes)| sum.checked_add(*bytes));
        let came = behind.len();
        if wanted != Some(came as u64) {
            let wanted = wanted.map_or_else(|| "more than can be counted".to_owned(), |sum| sum.to_string());
            return Err(Fault::Form(format!(
                "binary_data_size: the inputs have {wanted} bytes of binary data together, {came} came behind the JSON; \
                 the header {HEADER} says where it ends"
            )));
        }
        for (Target { position, spec, shape }, bytes) in self.0 {
            // None is larger than their sum, which is the length of what is there.
            let bytes = behind.split_to(bytes as usize);
            inputs.put(position, raw::read(spec, &shape, bytes)?);
        }
        Ok(())
    }
}

/// The only input of a model from a body that holds nothing but its elements: they say how long its free dimension is.
/// An element of BYTES is the whole body, without its length in front.
///
/// # Errors
/// [`Fault::Form`] when the model has several inputs, its shape leaves more than one dimension free, or the elements do
/// not fit it.
pub fn only_input(body: &Bytes, model: Model<'_>) -> Result<Tensor, Fault> {
    let wrong = |detail: String| Fault::Form(format!("{HEADER} is 0, so the body is one tensor: {detail}"));
    let [spec] = model.signature.inputs.as_slice() else {
        return Err(wrong(format!("{model} takes {} inputs; name them in a JSON head", model.signature.inputs.len())));
    };
    let name = &spec.name;
    let free = |dims: &&[i64]| dims.iter().filter(|dim| **dim < 0).count();
    let Some(dims) = spec.shape.dims().filter(|dims| free(dims) <= 1) else {
        let shape = &spec.shape;
        return Err(wrong(format!(
            "the shape {shape} of input '{name}' cannot be told from it; name it in a JSON head"
        )));
    };
    let Some(element_bytes) = spec.datatype.size_bytes() else {
        let shape: Vec<i64> = dims.iter().map(|dim| dim.abs()).collect();
        if shape.iter().any(|&dim| dim != 1) {
            return Err(wrong(format!("input '{name}' of BYTES has shape {}, one element cannot fill it", spec.shape)));
        }
        let shape = expected::shape(spec, &shape, model)?;
        return Tensor::new(shape, Data::Bytes(vec![body.clone()])).map_err(|error| wrong(error.to_string()));
    };
    let fixed = dims
        .iter()
        .filter(|dim| **dim >= 0)
        .try_fold(element_bytes as u64, |bytes, &dim| bytes.checked_mul(dim.unsigned_abs()));
    let length = fixed.and_then(|fixed| (body.len() as u64).checked_div(fixed)).unwrap_or(0);
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let shape: Vec<i64> = dims.iter().map(|&dim| if dim < 0 { length } else { dim }).collect();
    raw::read(spec, &expected::shape(spec, &shape, model)?, body.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Datatype, Shape, Signature, TensorSpec};

    fn read(datatype: Datatype, shape: Shape, body: &'static [u8]) -> Result<Vec<usize>, String> {
        let signature = Signature { inputs: vec![TensorSpec::new("x", datatype, shape)], outputs: vec![] };
        let model = Model { name: "m", version: 2, signature: &signature, rows_max: 4 };
        let tensor = only_input(&Bytes::from_static(body), model).map_err(|error| error.to_string())?;
        Ok(tensor.shape().to_vec())
    }

    #[test]
    fn a_body_that_is_one_tensor_says_how_many_rows_it_has() {
        let ranked = |dims: &[i64]| Shape::ranked(dims);
        let cases = [
            (Datatype::Fp32, ranked(&[-1, 2]), &[0; 24][..], vec![3, 2]),
            (Datatype::Fp32, ranked(&[-1, 2]), &[], vec![0, 2]),
            (Datatype::Int16, ranked(&[2, -1]), &[0; 8], vec![2, 2]),
            (Datatype::Bool, ranked(&[3]), &[0, 1, 0], vec![3]),
            (Datatype::Uint8, ranked(&[]), &[7], vec![]),
            (Datatype::Bytes, ranked(&[-1, 1]), b"text", vec![1, 1]),
        ];
        for (datatype, shape, body, expected) in cases {
            assert_eq!(read(datatype, shape.clone(), body), Ok(expected), "{datatype} {shape}");
        }
        let cases = [
            (
                Datatype::Fp32,
                ranked(&[-1, 2]),
                &[0; 20][..],
                "input 'x': shape [2, 2] of FP32 takes 4 × 4 bytes, 20 came",
            ),
            (Datatype::Fp32, ranked(&[-1, 0]), &[0; 4], "input 'x': shape [0, 0] of FP32 takes 0 × 4 bytes, 4 came"),
            (Datatype::Fp32, ranked(&[-1, 2]), &[0; 40], "more than 4 rows came"),
            (Datatype::Fp32, ranked(&[-1, -1]), &[0; 8], "Inference-Header-Content-Length is 0, so the body is one"),
            (Datatype::Fp32, Shape::unranked(), &[0; 8], "Inference-Header-Content-Length is 0, so the body is one"),
            (Datatype::Fp32, ranked(&[i64::MAX, 3]), &[0; 8], "input 'x': shape [9223372036854775807, 3] has more"),
            (Datatype::Bytes, ranked(&[-1, 2]), b"text", "Inference-Header-Content-Length is 0, so the body is one"),
        ];
        for (datatype, shape, body, expected) in cases {
            let error = read(datatype, shape, body).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
