//! The mean size of SHAP values, gathered row by row.

use super::Ranking;
use super::encoding::{Encoding, ranking};

/// The sizes of SHAP values so far.
pub struct ShapSum<'a> {
    encoding: Encoding<'a>,
    sizes: Vec<f64>,
    rows: u64,
}

impl<'a> ShapSum<'a> {
    /// Nothing yet.
    pub fn new(encoding: Encoding<'a>) -> Self {
        Self { sizes: vec![0.0; encoding.features.len()], encoding, rows: 0 }
    }

    /// Adds a row: for each output of the model (one, or one per class) the contributions of the encoded columns and, last,
    /// the bias, as XGBoost's `pred_contribs` lays them out. The contributions of a feature's columns to one output add up
    /// before their size is taken; the sizes of all outputs add up.
    pub fn add(&mut self, contributions: &[f32]) {
        for output in contributions.chunks_exact(self.encoding.sources.len() + 1) {
            let by_column: Vec<f64> = output.iter().copied().map(f64::from).collect();
            for (size, value) in self.sizes.iter_mut().zip(self.encoding.gather(&by_column)) {
                *size += value.abs();
            }
        }
        self.rows += 1;
    }

    /// The ranking by mean size.
    pub fn finish(self) -> Ranking {
        let rows = self.rows.max(1) as f64;
        ranking(self.encoding.features, self.sizes.iter().map(|size| (size / rows, None)))
    }
}
