//! Steps that look at elements of a row: `Imputer`, `Normalizer`, and whole numbers for sets.

use super::grow::whole;
use super::number::Number;
use super::steps::{Block, Map, mistyped};
use servoir_types::Data;
use std::borrow::Cow;

/// Puts each column's number in the place of those that are missing.
pub struct Imputer<T> {
    /// For each column.
    pub with: Vec<T>,
    /// What stands for a missing number; NaN for itself.
    pub missing: T,
}

impl<T: Copy + PartialEq> Imputer<T> {
    fn fill(&self, elements: &mut [T]) {
        #[allow(clippy::eq_op)] // NaN alone differs from itself
        let is_nan = |x: T| x != x;
        for row in elements.chunks_exact_mut(self.with.len()) {
            for (x, with) in row.iter_mut().zip(&self.with) {
                if *x == self.missing || (is_nan(*x) && is_nan(self.missing)) {
                    *x = *with;
                }
            }
        }
    }
}

impl Map for Imputer<f32> {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        match operand.into_owned() {
            Data::Fp32(mut elements) => {
                self.fill(elements.to_mut());
                Ok(Cow::Owned(Data::Fp32(elements)))
            }
            other => Err(mistyped(&other)),
        }
    }
}

impl Map for Imputer<i64> {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        match operand.into_owned() {
            Data::Int64(mut elements) => {
                self.fill(elements.to_mut());
                Ok(Cow::Owned(Data::Int64(elements)))
            }
            other => Err(mistyped(&other)),
        }
    }
}

/// What a row is divided by.
#[derive(Debug, Clone, Copy)]
pub enum Norm {
    /// The largest element.
    Max,
    /// The sum of absolute values.
    L1,
    /// The root of the sum of squares.
    L2,
}

/// Divides each row of `width` by its norm, unless that is zero.
pub struct Normalizer {
    /// What it is divided by.
    pub norm: Norm,
    /// Columns of the operand.
    pub width: usize,
}

impl Map for Normalizer {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        let Data::Fp32(mut elements) = operand.into_owned() else { return Err("Normalizer was made for FP32".into()) };
        elements.to_mut().chunks_exact_mut(self.width).for_each(|row| self.norm.divide(row));
        Ok(Cow::Owned(Data::Fp32(elements)))
    }
}

impl Norm {
    fn divide(self, row: &mut [f32]) {
        let norm = match self {
            Self::Max => row.iter().fold(f32::MIN, |most, &x| if most < x { x } else { most }),
            Self::L1 => row.iter().fold(0.0, |sum, x| sum + x.abs()),
            Self::L2 => row.iter().fold(0.0, |sum, &x| sum + x * x),
        };
        if norm == 0.0 {
            return;
        }
        for x in row {
            *x = match self {
                Self::Max | Self::L1 => *x / norm,
                Self::L2 if *x < 0.0 => -(*x * *x / norm).sqrt(),
                Self::L2 => (*x * *x / norm).sqrt(),
            };
        }
    }
}

/// Adds a column for each of some, with the whole numbers of it that are looked up in sets.
pub struct AddWhole {
    /// The columns.
    pub of: Vec<usize>,
    /// Columns of the operand.
    pub width: usize,
}

impl AddWhole {
    fn add<N: Number>(&self, elements: &[N]) -> Data {
        let none = N::of_f64(-1.0);
        let mut rows = Vec::with_capacity(elements.len() / self.width * (self.width + self.of.len()));
        for row in elements.chunks_exact(self.width) {
            rows.extend_from_slice(row);
            rows.extend(self.of.iter().map(|&column| whole(row[column], none)));
        }
        N::block(rows)
    }
}

impl Map for AddWhole {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        Ok(Cow::Owned(match &*operand {
            Data::Fp32(elements) => self.add::<f32>(elements),
            Data::Fp64(elements) => self.add::<f64>(elements),
            other => return Err(mistyped(other)),
        }))
    }
}
