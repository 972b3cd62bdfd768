//! Whether a request's tensors are what the model declares, and how many rows they are.

use super::shown;
use servoir_types::{Signature, Tensor};

/// The rows of a request that fits the signature: the length of its batchable inputs' first dimension, or 1 when the
/// model has none. Otherwise which input is wrong, what was expected and what came.
pub fn rows(signature: &Signature, inputs: &[Tensor]) -> Result<usize, String> {
    let wanted = signature.inputs.len();
    if inputs.len() != wanted {
        return Err(format!("expected {wanted} inputs, got {}", inputs.len()));
    }
    let mut rows: Option<(&str, usize)> = None;
    for (spec, input) in signature.inputs.iter().zip(inputs) {
        if input.datatype() != spec.datatype || !spec.shape.admits(input.shape()) {
            let (name, got) = (&spec.name, shown(input));
            return Err(format!("input '{name}': expected {} {}, got {got}", spec.datatype, spec.shape));
        }
        if !spec.shape.is_batchable() {
            continue;
        }
        match rows {
            Some((first, count)) if count != input.rows() && crate::batch::is_batchable(signature) => {
                let (name, got) = (&spec.name, input.rows());
                return Err(format!("input '{name}': expected {count} rows, as input '{first}' has, got {got}"));
            }
            Some(_) => {}
            None => rows = Some((&spec.name, input.rows())),
        }
    }
    Ok(rows.map_or(1, |(_, count)| count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Data, Datatype, Shape, TensorSpec};

    fn fp32(shape: &[usize]) -> Tensor {
        Tensor::new(shape.to_vec(), Data::Fp32(vec![0.0; shape.iter().product()].into())).unwrap()
    }

    #[test]
    fn a_misfit_names_the_input_what_was_expected_and_what_came() {
        let spec = |name: &str, shape: &[i64]| TensorSpec::new(name, Datatype::Fp32, Shape::ranked(shape));
        let one = Signature { inputs: vec![spec("X", &[-1, 30])], outputs: vec![spec("Y", &[-1])] };
        let two = Signature { inputs: vec![spec("A", &[-1, 2]), spec("B", &[-1])], outputs: vec![spec("Y", &[-1])] };
        let uneven = Signature { outputs: vec![spec("Y", &[])], ..two.clone() };
        let fixed = Signature { inputs: vec![spec("X", &[4])], outputs: vec![] };
        let cases: [(&Signature, Vec<Tensor>, Result<usize, &str>); 9] = [
            (&one, vec![fp32(&[5, 30])], Ok(5)),
            (&one, vec![fp32(&[0, 30])], Ok(0)),
            (&one, vec![fp32(&[1, 29])], Err("input 'X': expected FP32 [-1, 30], got FP32 [1, 29]")),
            (
                &one,
                vec![Tensor::new(vec![1], Data::Int8(vec![1].into())).unwrap()],
                Err("input 'X': expected FP32 [-1, 30], got INT8 [1]"),
            ),
            (&one, vec![], Err("expected 1 inputs, got 0")),
            (&two, vec![fp32(&[3, 2]), fp32(&[3])], Ok(3)),
            (&two, vec![fp32(&[3, 2]), fp32(&[2])], Err("input 'B': expected 3 rows, as input 'A' has, got 2")),
            (&uneven, vec![fp32(&[3, 2]), fp32(&[2])], Ok(3)),
            (&fixed, vec![fp32(&[4])], Ok(1)),
        ];
        for (signature, inputs, expected) in cases {
            assert_eq!(rows(signature, &inputs), expected.map_err(str::to_owned));
        }
    }
}
