//! Random rows for any model whose inputs have a known rank.

use crate::random::Random;
use anyhow::{Context as _, Result};
use servoir_types::{Data, Datatype, Signature, Tensor, TensorSpec};

/// The inputs of a run of so many rows: small whole numbers where a model takes those, else numbers from 0 to 1. Every free
/// dimension has the length of the rows.
///
/// # Errors
/// When an input may have any rank.
pub fn of(signature: &Signature, rows: usize, random: &mut Random) -> Result<Vec<Tensor>> {
    signature.inputs.iter().map(|input| tensor(input, rows, random)).collect()
}

fn tensor(spec: &TensorSpec, rows: usize, random: &mut Random) -> Result<Tensor> {
    let dims = spec.shape.dims().context("an input of any rank")?;
    let shape: Vec<usize> = dims.iter().map(|&size| usize::try_from(size).unwrap_or(rows)).collect();
    let count: usize = shape.iter().product();
    let data = match spec.datatype {
        Datatype::Int64 => Data::Int64((0..count).map(|_| random.below(100) as i64).collect::<Vec<_>>().into()),
        _ => Data::Fp32((0..count).map(|_| random.number()).collect::<Vec<_>>().into()),
    };
    Ok(Tensor::new(shape, data)?)
}
