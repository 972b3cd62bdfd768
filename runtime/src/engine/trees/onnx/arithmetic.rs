//! Steps that compute each element from itself and its column's constant: `Scaler`, `Add`, `Sub`, `Mul`, `Div`, `Exp`,
//! `Clip` and `Binarizer`.

use super::number::Number;
use super::steps::{Block, Map, mistyped};
use servoir_types::Data;
use std::borrow::Cow;

/// Gives the operand's elements as 32-bit floats in memory of their own, to be changed.
fn with_floats(operand: Block<'_>, change: impl FnOnce(&mut [f32])) -> Result<Block<'static>, String> {
    match operand.into_owned() {
        Data::Fp32(mut elements) => {
            change(elements.to_mut());
            Ok(Cow::Owned(Data::Fp32(elements)))
        }
        other => Err(mistyped(&other)),
    }
}

/// `(x - offset) * scale`; computed with 64 bits where the input has them, and rounded.
pub struct Scaler {
    /// For each column.
    pub offset: Vec<f32>,
    /// For each column.
    pub scale: Vec<f32>,
}

impl Scaler {
    fn scaled<T: Copy>(&self, elements: &[T], scale: impl Fn(T, f32, f32) -> f32) -> Vec<f32> {
        let constants = self.offset.iter().zip(&self.scale).cycle();
        elements.iter().zip(constants).map(|(&x, (&offset, &factor))| scale(x, offset, factor)).collect()
    }
}

impl Map for Scaler {
    #[allow(clippy::cast_precision_loss)] // as ONNX Runtime has it
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        let scaled = match &*operand {
            Data::Fp32(_) => {
                return with_floats(operand, |elements| {
                    for row in elements.chunks_exact_mut(self.offset.len()) {
                        for ((x, offset), scale) in row.iter_mut().zip(&self.offset).zip(&self.scale) {
                            *x = (*x - offset) * scale;
                        }
                    }
                });
            }
            Data::Fp64(v) => self.scaled(v, |x, offset, scale| ((x - f64::from(offset)) * f64::from(scale)).to_f32()),
            Data::Int64(v) => self.scaled(v, |x, offset, scale| (x as f32 - offset) * scale),
            Data::Int32(v) => self.scaled(v, |x, offset, scale| (x as f32 - offset) * scale),
            other => return Err(mistyped(other)),
        };
        Ok(Cow::Owned(Data::Fp32(scaled.into())))
    }
}

/// An operation with a constant.
#[derive(Debug, Clone, Copy)]
pub enum Operation {
    /// `x + c`
    Add,
    /// `x - c`
    Sub,
    /// `c - x`
    SubFrom,
    /// `x * c`
    Mul,
    /// `x / c`
    Div,
    /// `c / x`
    DivOf,
}

/// The operation with each column's constant, in the precision of both.
pub struct Arithmetic<N> {
    /// What is done.
    pub operation: Operation,
    /// For each column.
    pub constants: Vec<N>,
}

impl<N: Number + std::ops::Sub<Output = N> + std::ops::Mul<Output = N>> Map for Arithmetic<N> {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        let elements = N::elements(&operand).ok_or_else(|| mistyped(&operand))?;
        let pairs = elements.iter().copied().zip(self.constants.iter().copied().cycle());
        let made: Vec<N> = match self.operation {
            Operation::Add => pairs.map(|(x, c)| x + c).collect(),
            Operation::Sub => pairs.map(|(x, c)| x - c).collect(),
            Operation::SubFrom => pairs.map(|(x, c)| c - x).collect(),
            Operation::Mul => pairs.map(|(x, c)| x * c).collect(),
            Operation::Div => pairs.map(|(x, c)| x / c).collect(),
            Operation::DivOf => pairs.map(|(x, c)| c / x).collect(),
        };
        Ok(Cow::Owned(N::block(made)))
    }
}

/// `e^x`
pub struct Exp;

impl Map for Exp {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        with_floats(operand, |elements| elements.iter_mut().for_each(|x| *x = x.exp()))
    }
}

/// Brings elements between two numbers; NaN stays.
pub struct Clip {
    /// The least.
    pub least: f32,
    /// The most.
    pub most: f32,
}

impl Map for Clip {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        let &Self { least, most } = self;
        with_floats(operand, |elements| {
            for x in elements {
                let above = if *x < least { least } else { *x };
                *x = if above > most { most } else { above };
            }
        })
    }
}

/// 1 above a threshold, else 0; NaN is an error.
pub struct Binarizer {
    /// The threshold.
    pub threshold: f32,
}

impl Map for Binarizer {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        if let Some(at) = f32::elements(&operand).and_then(|elements| elements.iter().position(|x| x.is_nan())) {
            return Err(format!("element {at} of what Binarizer is given is NaN"));
        }
        with_floats(operand, |elements| elements.iter_mut().for_each(|x| *x = f32::from(u8::from(*x > self.threshold))))
    }
}
