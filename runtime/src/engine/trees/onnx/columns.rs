//! Columns put side by side, and columns chosen.

use super::steps::{Block, Map, mistyped};
use servoir_types::Data;
use std::borrow::Cow;

/// Chooses columns of rows of `width`.
pub struct Select {
    /// Each below `width`.
    pub columns: Vec<usize>,
    /// Columns of the operand.
    pub width: usize,
}

impl Map for Select {
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String> {
        Ok(Cow::Owned(match &*operand {
            Data::Fp32(v) => Data::Fp32(self.select(v).into()),
            Data::Fp64(v) => Data::Fp64(self.select(v).into()),
            Data::Int64(v) => Data::Int64(self.select(v).into()),
            Data::Int32(v) => Data::Int32(self.select(v).into()),
            Data::Bool(v) => Data::Bool(self.select(v)),
            Data::Bytes(v) => Data::Bytes(self.select(v)),
            other => return Err(mistyped(other)),
        }))
    }
}

impl Select {
    fn select<T: Clone>(&self, elements: &[T]) -> Vec<T> {
        let rows = elements.chunks_exact(self.width);
        rows.flat_map(|row| self.columns.iter().map(|&column| row[column].clone())).collect()
    }
}

/// Puts the rows of blocks of one type, each with its width, side by side.
pub fn concat(blocks: &[Block<'_>], widths: &[usize], rows: usize) -> Result<Data, String> {
    for (block, width) in blocks.iter().zip(widths) {
        if block.len() != rows * width {
            return Err(format!("inputs have different numbers of rows: {} elements in {rows} rows", block.len()));
        }
    }
    let Some(first) = blocks.first() else { return Err("nothing is put side by side".into()) };
    let mut whole = Data::with_capacity(first.datatype(), rows * widths.iter().sum::<usize>());
    for row in 0..rows {
        for (block, width) in blocks.iter().zip(widths) {
            if !whole.extend_from(block, row * width..(row + 1) * width) {
                return Err(mistyped(block));
            }
        }
    }
    Ok(whole)
}
