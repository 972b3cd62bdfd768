//! Running a model before anyone waits for it: the first run allocates, and a row must not depend on its neighbours.

use super::cost::rows_of;
use crate::batch::{gather, scatter};
use crate::engine::{Session, caught};
use crate::error::RunError;
use bytes::Bytes;
use half::{bf16, f16};
use servoir_types::{Data, Datatype, Signature, Tensor, TensorSpec};

/// The largest tensor that is made up for a warm-up, in elements.
const ELEMENTS_MAX: usize = 1 << 24;

/// How far a row's result may differ between alone and in company, relative to its size: engines may add in another order.
const TOLERANCE: f64 = 1e-3;

/// Why a session is not warm.
#[derive(Debug)]
pub enum Cold {
    /// The engine panicked, with this message.
    Panicked(String),
    /// A run failed. A model may refuse zeros.
    Refused(RunError),
}

/// Runs the session once on made-up inputs.
pub fn warm(session: &mut dyn Session, signature: &Signature) -> Result<(), Cold> {
    let Some(inputs) = made_up(signature, 0) else { return Ok(()) };
    let mut outputs = Vec::new();
    caught(|| session.run(&inputs, &mut outputs)).map_err(Cold::Panicked)?.map_err(Cold::Refused)
}

/// Runs the session once with each of these numbers of rows: the first run of a size may allocate, or plan, what the next ones
/// use again. Ends with the first that fails.
pub fn warm_batches(
    session: &mut dyn Session,
    signature: &Signature,
    sizes: impl Iterator<Item = usize>,
) -> Result<(), Cold> {
    let mut outputs = Vec::new();
    for rows in sizes {
        let Some(inputs) = rows_of(signature, rows) else { return Ok(()) };
        caught(|| session.run(&inputs, &mut outputs)).map_err(Cold::Panicked)?.map_err(Cold::Refused)?;
    }
    Ok(())
}

/// Whether two different rows give the same results together as they give alone.
///
/// A free first dimension need not mean rows: it may be time, or the model may compare rows with each other. Where the
/// runs fail nothing is learned, and the signature is believed.
pub fn probe_batching(session: &mut dyn Session, signature: &Signature) -> Result<bool, String> {
    let (Some(zeros), Some(ones)) = (made_up(signature, 0), made_up(signature, 1)) else { return Ok(true) };
    let mut batch = Vec::new();
    if !gather(&[&zeros, &ones], &mut batch) {
        return Ok(false);
    }
    let mut runs = Vec::new();
    for inputs in [&zeros, &ones, &batch] {
        let mut outputs = Vec::new();
        match caught(|| session.run(inputs, &mut outputs))? {
            Ok(()) => runs.push(outputs),
            Err(error) => {
                tracing::debug!("whether this model's rows are independent could not be tried: {error}");
                return Ok(true);
            }
        }
    }
    let together = runs.pop().and_then(|outputs| scatter(&outputs, &[1, 1]));
    Ok(together.is_some_and(|together| together.iter().zip(&runs).all(|(together, alone)| alike(together, alone))))
}

/// One tensor per input, free dimensions 1, every element `value`; `None` when a shape is unknown or too large.
pub fn made_up(signature: &Signature, value: u8) -> Option<Vec<Tensor>> {
    signature.inputs.iter().map(|input| made_up_tensor(input, value)).collect()
}

fn made_up_tensor(input: &TensorSpec, value: u8) -> Option<Tensor> {
    let dims = input.shape.dims()?;
    let shape: Vec<usize> = dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(1)).collect();
    let count =
        shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)).filter(|&count| count <= ELEMENTS_MAX)?;
    Tensor::new(shape, elements(input.datatype, value, count)).ok()
}

fn elements(datatype: Datatype, value: u8, count: usize) -> Data {
    let signed = i8::from(value != 0);
    match datatype {
        Datatype::Bool => Data::Bool(vec![value != 0; count]),
        Datatype::Uint8 => Data::Uint8(vec![value; count].into()),
        Datatype::Uint16 => Data::Uint16(vec![value.into(); count].into()),
        Datatype::Uint32 => Data::Uint32(vec![value.into(); count].into()),
        Datatype::Uint64 => Data::Uint64(vec![value.into(); count].into()),
        Datatype::Int8 => Data::Int8(vec![signed; count].into()),
        Datatype::Int16 => Data::Int16(vec![value.into(); count].into()),
        Datatype::Int32 => Data::Int32(vec![value.into(); count].into()),
        Datatype::Int64 => Data::Int64(vec![value.into(); count].into()),
        Datatype::Fp16 => Data::Fp16(vec![f16::from_f32(value.into()); count].into()),
        Datatype::Bf16 => Data::Bf16(vec![bf16::from_f32(value.into()); count].into()),
        Datatype::Fp32 => Data::Fp32(vec![value.into(); count].into()),
        Datatype::Fp64 => Data::Fp64(vec![value.into(); count].into()),
        Datatype::Bytes => Data::Bytes(vec![Bytes::new(); count]),
    }
}

/// Whether two answers are the same, but for what engines may add in another order.
pub fn alike(a: &[Tensor], b: &[Tensor]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.shape() == b.shape()
                && match (a.data(), b.data()) {
                    (Data::Fp16(a), Data::Fp16(b)) => close(a.iter().map(|v| v.to_f64()), b.iter().map(|v| v.to_f64())),
                    (Data::Bf16(a), Data::Bf16(b)) => close(a.iter().map(|v| v.to_f64()), b.iter().map(|v| v.to_f64())),
                    (Data::Fp32(a), Data::Fp32(b)) => close(a.iter().map(|&v| v.into()), b.iter().map(|&v| v.into())),
                    (Data::Fp64(a), Data::Fp64(b)) => close(a.iter().copied(), b.iter().copied()),
                    (a, b) => a == b,
                }
        })
}

fn close(a: impl Iterator<Item = f64>, b: impl Iterator<Item = f64>) -> bool {
    a.zip(b).all(|(a, b)| {
        (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(TOLERANCE)
    })
}
