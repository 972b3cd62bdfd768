//! What splits see of the features.
//!
//! A forest knows one missing value, NaN, and categories from 0 on. LightGBM knows more: zero may be what is missing,
//! numbers next to zero are zero, and numbers between -1 and 0 are category 0. So a feature is given to the splits as a
//! column of the right sense, and as two columns where splits disagree about it.

use crate::engine::trees::features::Matrix;
use crate::engine::trees::model::Features;
use servoir_types::Tensor;
use std::collections::HashMap;

/// Numbers up to this, of either sign, are zero: LightGBM's `kZeroThreshold`, of 32 bits in its source.
pub const ZERO_MAX: f64 = 1e-35_f32 as f64;

/// How a feature is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sense {
    /// As a number; NaN is missing.
    Number,
    /// As a number; NaN and zero are missing.
    ZeroIsMissing,
    /// As a category, cut to a whole number; NaN is missing.
    Category,
}

/// The columns of a forest.
#[derive(Debug)]
pub struct Columns {
    /// Columns of the input.
    inputs: usize,
    /// The sense of each input's own column, where something tests it.
    own: Vec<Option<Sense>>,
    /// Columns behind those: inputs that are taken in one more sense.
    more: Vec<(usize, Sense)>,
    found: HashMap<(usize, Sense), usize>,
    /// Whether numbers next to zero must be zero, because some leaf multiplies them.
    rounds_to_zero: bool,
}

impl Columns {
    /// For so many features.
    pub fn new(inputs: usize) -> Self {
        Self { inputs, own: vec![None; inputs], more: Vec::new(), found: HashMap::new(), rounds_to_zero: false }
    }

    /// The features that the file has.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// All columns.
    pub fn count(&self) -> usize {
        self.inputs + self.more.len()
    }

    /// The column that is a feature in this sense. The feature is one that the file has.
    pub fn tested(&mut self, feature: usize, sense: Sense) -> usize {
        if *self.own[feature].get_or_insert(sense) == sense {
            return feature;
        }
        *self.found.entry((feature, sense)).or_insert_with(|| {
            self.more.push((feature, sense));
            self.inputs + self.more.len() - 1
        })
    }

    /// The column that a leaf multiplies.
    pub fn multiplied(&mut self, feature: usize) -> usize {
        self.rounds_to_zero = true;
        self.tested(feature, Sense::Number)
    }

    /// Whether the columns are the input as it is.
    pub fn is_input(&self) -> bool {
        let is_number = |sense: &Option<Sense>| sense.is_none_or(|sense| sense == Sense::Number);
        !self.rounds_to_zero && self.more.is_empty() && self.own.iter().all(is_number)
    }

    fn value(&self, x: f64, sense: Sense) -> f64 {
        match sense {
            Sense::Number if self.rounds_to_zero && is_zero(x) => 0.0,
            Sense::ZeroIsMissing if is_zero(x) => f64::NAN,
            Sense::Category if x > -1.0 && x < 0.0 => 0.0,
            _ => x,
        }
    }
}

impl Features<f64> for Columns {
    fn rows<'a>(&self, inputs: &'a [Tensor], scratch: &'a mut Vec<f64>) -> Result<&'a [f64], String> {
        let mut unused = Vec::new();
        let rows = Features::<f64>::rows(&Matrix, inputs, &mut unused)?.chunks_exact(self.inputs);
        scratch.clear();
        scratch.reserve(rows.len() * self.count());
        for row in rows {
            let own = row.iter().zip(&self.own).map(|(x, sense)| sense.map_or(*x, |sense| self.value(*x, sense)));
            scratch.extend(own);
            scratch.extend(self.more.iter().map(|(feature, sense)| self.value(row[*feature], *sense)));
        }
        Ok(scratch)
    }
}

fn is_zero(x: f64) -> bool {
    x.abs() <= ZERO_MAX
}
