//! Rows of numbers as learners take them.

use std::sync::Arc;

/// Rows of 32-bit numbers, one behind the other; what is missing is NaN. Copies share the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// How many numbers a row has.
    pub columns: usize,
    /// Row after row.
    pub values: Arc<Vec<f32>>,
}

impl Matrix {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }
}
