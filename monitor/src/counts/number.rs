//! Counts of the numbers of one feature.

use crate::grid::{EDGES_MAX, Grid};
use crate::packed;
use serde::{Deserialize, Serialize};

/// An element of a tensor that is counted as a number.
pub trait Element: Copy {
    /// The number; NaN is a missing one.
    fn number(self) -> f64;
}

macro_rules! elements {
    ($($element:ty),*) => {$(
        impl Element for $element {
            #[inline]
            #[allow(clippy::cast_lossless, clippy::cast_precision_loss)]
            fn number(self) -> f64 {
                self as f64
            }
        }
    )*};
}

elements!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

impl Element for bool {
    #[inline]
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// What fell into one bin of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// How many values.
    pub count: u64,
    /// The sum of their differences from the grid's pivot.
    pub sum: f64,
}

/// Counts of the numbers of one feature: 1,080 bytes, whatever was counted.
///
/// Counts of the same values are equal whatever the batches and merges they came in; sums are equal to the rounding of
/// their additions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct NumberCounts {
    bins: [Bin; EDGES_MAX + 1],
    nulls: u64,
    infinite: u64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for NumberCounts {
    fn default() -> Self {
        Self {
            bins: [Bin::default(); EDGES_MAX + 1],
            nulls: 0,
            infinite: 0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl NumberCounts {
    /// Counts `values`.
    pub fn add<T: Element>(&mut self, grid: &Grid, values: &[T]) {
        self.add_column(grid, values, 0, 1);
    }

    /// Counts one column of a row-major batch: `values[row * width + column]` of every row.
    #[inline]
    pub fn add_column<T: Element>(&mut self, grid: &Grid, values: &[T], column: usize, width: usize) {
        let pivot = grid.pivot();
        let (mut squares, mut min, mut max) = (self.squares, self.min, self.max);
        let mut index = column;
        while let Some(element) = values.get(index) {
            index += width.max(1);
            let value = element.number();
            if !value.is_finite() {
                self.nulls += u64::from(value.is_nan());
                self.infinite += u64::from(!value.is_nan());
                continue;
            }
            let difference = value - pivot;
            squares += difference * difference;
            if value < min || value > max {
                // Rare after the first few: a branch costs less than two selections each time.
                (min, max) = (min.min(value), max.max(value));
            }
            let bin = &mut self.bins[grid.bin(value) % (EDGES_MAX + 1)];
            bin.count += 1;
            bin.sum += difference;
        }
        (self.squares, self.min, self.max) = (squares, min, max);
    }

    /// Adds what others were counted, on the same grid.
    pub fn merge(&mut self, other: &Self) {
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.count += other.count;
            bin.sum += other.sum;
        }
        self.nulls += other.nulls;
        self.infinite += other.infinite;
        self.squares += other.squares;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// What fell into each bin of `grid`.
    pub fn bins(&self, grid: &Grid) -> &[Bin] {
        &self.bins[..grid.bins()]
    }

    /// How many finite values.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|bin| bin.count).sum()
    }

    /// How many NaN, which stand for missing values.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many infinities, which are in no bin.
    pub fn infinite(&self) -> u64 {
        self.infinite
    }

    /// The least finite value.
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.min)
    }

    /// The greatest finite value.
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.max)
    }

    /// The mean, unless there are no values or they are too large for it.
    pub fn mean(&self, grid: &Grid) -> Option<f64> {
        let sum: f64 = self.bins.iter().map(|bin| bin.sum).sum();
        let mean = grid.pivot() + sum / self.count() as f64;
        mean.is_finite().then_some(mean)
    }

    /// The standard deviation of the values themselves (not an estimate for a population that they are drawn from).
    pub fn std(&self) -> Option<f64> {
        let count = self.count() as f64;
        let sum: f64 = self.bins.iter().map(|bin| bin.sum).sum();
        let variance = self.squares / count - (sum / count).powi(2);
        variance.is_finite().then(|| variance.max(0.0).sqrt())
    }
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    /// Of the bins, without the empty ones at the end.
    pub counts: Vec<u64>,
    #[serde(with = "packed")]
    pub sums: Vec<f64>,
    pub nulls: u64,
    pub infinite: u64,
    /// Sum of squares, least, greatest.
    #[serde(with = "packed")]
    pub moments: Vec<f64>,
}

impl From<NumberCounts> for Written {
    fn from(counts: NumberCounts) -> Self {
        let used = counts.bins.iter().rposition(|bin| bin.count > 0).map_or(0, |last| last + 1);
        Self {
            counts: counts.bins[..used].iter().map(|bin| bin.count).collect(),
            sums: counts.bins[..used].iter().map(|bin| bin.sum).collect(),
            nulls: counts.nulls,
            infinite: counts.infinite,
            moments: vec![counts.squares, counts.min, counts.max],
        }
    }
}

impl TryFrom<Written> for NumberCounts {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let bins = written.counts.len();
        if bins > EDGES_MAX + 1 || written.sums.len() != bins {
            return Err(format!(
                "counts have up to {} bins with a sum each, not {bins} with {}",
                EDGES_MAX + 1,
                written.sums.len()
            ));
        }
        let [squares, min, max] = written.moments[..] else {
            return Err(format!("counts have three moments, not {}", written.moments.len()));
        };
        let mut counts =
            Self { nulls: written.nulls, infinite: written.infinite, squares, min, max, ..Self::default() };
        for (bin, (count, sum)) in counts.bins.iter_mut().zip(written.counts.into_iter().zip(written.sums)) {
            *bin = Bin { count, sum };
        }
        Ok(counts)
    }
}
