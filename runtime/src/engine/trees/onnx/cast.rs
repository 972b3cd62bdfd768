//! `Cast` between numbers, where every conversion is one that ONNX defines.

use super::number::Number;
use super::steps::{Block, Map, mistyped};
use servoir_types::{Data, Datatype};
use std::borrow::Cow;

/// Converts elements.
pub struct Cast {
    to: Datatype,
}

impl Cast {
    /// From one type to another that differs.
    pub fn new(from: Datatype, to: Datatype) -> Result<Self, String> {
        use Datatype::{Bool, Fp32, Fp64, Int32, Int64};
        match (from, to) {
            (Fp32 | Fp64 | Int64 | Int32 | Bool, Fp32 | Fp64) | (Int32 | Bool, Int64) => Ok(Self { to }),
            _ => Err(format!("it casts {} to {}", from, to)),
        }
    }
}

impl Map for Cast {
    #[allow(clippy::cast_precision_loss)] // to the nearest
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        use Datatype::{Fp32, Fp64, Int64};
        let made = match (&*operand, self.to) {
            (Data::Fp64(v), Fp32) => Data::Fp32(converted(v, Number::to_f32).into()),
            (Data::Int64(v), Fp32) => Data::Fp32(converted(v, |x| x as f32).into()),
            (Data::Int32(v), Fp32) => Data::Fp32(converted(v, |x| x as f32).into()),
            (Data::Bool(v), Fp32) => Data::Fp32(converted(v, |x| f32::from(u8::from(x))).into()),
            (Data::Fp32(v), Fp64) => Data::Fp64(converted(v, f64::from).into()),
            (Data::Int64(v), Fp64) => Data::Fp64(converted(v, |x| x as f64).into()),
            (Data::Int32(v), Fp64) => Data::Fp64(converted(v, f64::from).into()),
            (Data::Bool(v), Fp64) => Data::Fp64(converted(v, |x| f64::from(u8::from(x))).into()),
            (Data::Int32(v), Int64) => Data::Int64(converted(v, i64::from).into()),
            (Data::Bool(v), Int64) => Data::Int64(converted(v, i64::from).into()),
            (other, _) => return Err(mistyped(other)),
        };
        Ok(Cow::Owned(made))
    }
}

fn converted<A: Copy, B>(elements: &[A], convert: impl Fn(A) -> B) -> Vec<B> {
    elements.iter().map(|&element| convert(element)).collect()
}
