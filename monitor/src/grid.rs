//! The edges between which a feature's values are counted, fixed when its baseline was made.

use crate::packed;
use serde::{Deserialize, Serialize};
use servoir_kernels::bins::Edges as Singles;

/// The most edges of a grid; one bin more than edges.
pub const EDGES_MAX: usize = 63;

/// Ascending edges `e`. Bin 0 holds what is below the first, bin `i` what is from `e[i-1]` on and below `e[i]`, the last
/// what is from the last edge on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Edges", into = "Edges")]
pub struct Grid {
    edges: Vec<f64>,
    table: Table,
    /// The same for values of single precision, which most are.
    singles: Singles,
    pivot: f64,
}

/// The edges laid out for the search, so that it touches two lines of the cache: every eighth, and the seven after each of
/// those. What is not there is infinite, so that every search takes the same steps.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(align(64))]
struct Table {
    every_eighth: [f64; 8],
    between: [[f64; 8]; 8],
}

impl Table {
    fn new(edges: &[f64]) -> Self {
        let mut table = Self { every_eighth: [f64::INFINITY; 8], between: [[f64::INFINITY; 8]; 8] };
        for (index, edge) in edges.iter().take(EDGES_MAX).enumerate() {
            match index % 8 {
                7 => table.every_eighth[index / 8] = *edge,
                place => table.between[index / 8][place] = *edge,
            }
        }
        table
    }
}

/// How many of the first seven are not above the value.
#[inline]
fn not_above(edges: &[f64; 8], value: f64) -> usize {
    let mut count = 0;
    for step in [4, 2, 1] {
        // Without a branch: which way it would go is anybody's guess. The mask says what is known: the index is below 8.
        count += if value >= edges[(count + step - 1) & 7] { step } else { 0 };
    }
    count
}

/// Edges that are no grid.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GridError {
    /// More than a grid may have.
    #[error("a grid has at most {EDGES_MAX} edges, not {0}")]
    TooMany(usize),
    /// Not finite, or not above the one before.
    #[error("edge {index} of a grid must be a finite number above the one before it, not {edge}")]
    Order {
        /// Which, from 0.
        index: usize,
        /// Its value.
        edge: f64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Edges(#[serde(with = "packed")] Vec<f64>);

impl Grid {
    /// A grid of ascending, finite edges.
    ///
    /// # Errors
    /// When there are too many, or they do not ascend.
    pub fn new(edges: Vec<f64>) -> Result<Self, GridError> {
        if edges.len() > EDGES_MAX {
            return Err(GridError::TooMany(edges.len()));
        }
        let disorder = (0..edges.len())
            .find(|&index| !edges[index].is_finite() || (index > 0 && edges[index] <= edges[index - 1]));
        if let Some(index) = disorder {
            return Err(GridError::Order { index, edge: edges[index] });
        }
        let table = Table::new(&edges);
        let pivot = edges.get(edges.len() / 2).copied().unwrap_or(0.0);
        let singles = Singles::new(&edges, pivot);
        Ok(Self { edges, table, singles, pivot })
    }

    /// The edges.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// How many bins there are: one more than edges.
    pub fn bins(&self) -> usize {
        self.edges.len() + 1
    }

    /// A number near the middle of the values, from which sums are taken: a sum of differences from it loses nothing of
    /// values that are large and close together.
    #[inline]
    pub fn pivot(&self) -> f64 {
        self.pivot
    }

    /// The edges for values of single precision.
    #[inline]
    pub(crate) fn singles(&self) -> &Singles {
        &self.singles
    }

    /// The bin of a finite value: how many edges are not above it.
    #[inline]
    pub fn bin(&self, value: f64) -> usize {
        let eighths = not_above(&self.table.every_eighth, value);
        eighths * 8 + not_above(&self.table.between[eighths & 7], value)
    }
}

impl TryFrom<Edges> for Grid {
    type Error = GridError;

    fn try_from(edges: Edges) -> Result<Self, GridError> {
        Self::new(edges.0)
    }
}

impl From<Grid> for Edges {
    fn from(grid: Grid) -> Self {
        Self(grid.edges)
    }
}
