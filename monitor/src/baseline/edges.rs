//! Where the edges of a baseline's bins go.

use super::numbers::Precision;
use crate::grid::{EDGES_MAX, Grid};

/// The grid divides the baseline into so many parts of equal share: a multiple of ten, so that each decile is an edge.
const PARTS: usize = 60;

/// With so few distinct values, each has a bin of its own.
const ALONE_MAX: usize = 30;

/// What the values were, as far as edges need to know.
pub struct Values<'a> {
    /// The precision of the tensor that they come in.
    pub precision: Precision,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Every value, ascending, when there are not too many.
    pub distinct: Option<&'a [(f64, u64)]>,
    /// The quantiles at `1/60, 2/60, …, 59/60`, ascending.
    pub quantiles: &'a [f64],
}

/// The ranks of [`Values::quantiles`].
pub fn ranks() -> Vec<f64> {
    (1..PARTS).map(|part| part as f64 / PARTS as f64).collect()
}

/// The quantiles of counted values: the least value that a share of at least `part/60` of them does not exceed.
pub fn exact_quantiles(values: &[(f64, u64)]) -> Vec<f64> {
    let total: u128 = values.iter().map(|(_, count)| u128::from(*count)).sum();
    let mut quantiles = Vec::with_capacity(PARTS - 1);
    let mut below = 0u128;
    for (value, count) in values {
        below += u128::from(*count);
        while quantiles.len() < PARTS - 1 && below * PARTS as u128 >= total * (quantiles.len() as u128 + 1) {
            quantiles.push(*value);
        }
    }
    quantiles
}

impl Values<'_> {
    /// The grid: the least value, the quantiles, and just above the greatest value. A value that is several quantiles at
    /// once, and each of a few distinct values, gets a bin for itself.
    pub fn grid(&self) -> Grid {
        let mut edges = vec![self.min, self.precision.above(self.max)];
        match self.distinct {
            Some(values) if values.len() <= ALONE_MAX => {
                edges.extend(values.iter().flat_map(|(value, _)| [*value, self.precision.above(*value)]));
            }
            _ => edges.extend(self.with_points(self.quantiles)),
        }
        ascending(&mut edges);
        debug_assert!(edges.len() <= EDGES_MAX);
        Grid::new(edges).unwrap_or_else(|_| Grid::new(Vec::new()).expect("no edge is out of order"))
    }

    /// The nine deciles; those that are equal merge into one bin that holds this value alone. Each is an edge of the grid.
    pub fn deciles(&self) -> Vec<f64> {
        let tenths: Vec<f64> = self.quantiles.iter().skip(PARTS / 10 - 1).step_by(PARTS / 10).copied().collect();
        let mut edges = self.with_points(&tenths);
        ascending(&mut edges);
        edges
    }

    /// Each of ascending numbers once, and after one that was there several times the next number of the precision.
    fn with_points(&self, ascending: &[f64]) -> Vec<f64> {
        let mut edges = Vec::with_capacity(ascending.len());
        for same in ascending.chunk_by(|a, b| a == b) {
            edges.push(same[0]);
            if same.len() > 1 {
                edges.push(self.precision.above(same[0]));
            }
        }
        edges
    }
}

fn ascending(edges: &mut Vec<f64>) {
    edges.retain(|edge| edge.is_finite());
    edges.sort_by(f64::total_cmp);
    edges.dedup();
}
