//! Counts of the numbers of one feature.

use crate::grid::{EDGES_MAX, Grid};
use crate::packed;
use serde::{Deserialize, Serialize};
pub use servoir_kernels::bins::Bin;
use servoir_kernels::bins::Tally;

/// An element of a tensor that is counted as a number.
pub trait Element: Copy {
    /// The number; NaN is a missing one.
    fn number(self) -> f64;

    /// The same elements, when they are of single precision.
    fn singles(_elements: &[Self]) -> Option<&[f32]> {
        None
    }
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

elements!(f64, i8, i16, i32, i64, u8, u16, u32, u64);

impl Element for f32 {
    #[inline]
    fn number(self) -> f64 {
        f64::from(self)
    }

    #[inline]
    fn singles(elements: &[Self]) -> Option<&[f32]> {
        Some(elements)
    }
}

impl Element for half::f16 {
    #[inline]
    fn number(self) -> f64 {
        self.to_f64()
    }
}

impl Element for half::bf16 {
    #[inline]
    fn number(self) -> f64 {
        self.to_f64()
    }
}

impl Element for bool {
    #[inline]
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

/// Counts of the numbers of one feature: 1,080 bytes, whatever was counted.
///
/// Counts of the same values are equal whatever the batches and merges they came in; sums are equal to the rounding of
/// their additions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct NumberCounts(Tally);

impl NumberCounts {
    /// Counts `values`.
    pub fn add<T: Element>(&mut self, grid: &Grid, values: &[T]) {
        self.add_column(grid, values, 0, 1);
    }

    /// Counts one column of a row-major batch: `values[row * width + column]` of every row.
    #[inline]
    pub fn add_column<T: Element>(&mut self, grid: &Grid, values: &[T], column: usize, width: usize) {
        if let Some(values) = T::singles(values) {
            self.0.add(grid.singles(), values, (column, width));
            return;
        }
        let Tally { bins, nulls, infinite, squares, min, max } = &mut self.0;
        let mut index = column;
        while let Some(element) = values.get(index) {
            index += width.max(1);
            let value = element.number();
            if !value.is_finite() {
                *nulls += u64::from(value.is_nan());
                *infinite += u64::from(!value.is_nan());
                continue;
            }
            let difference = value - grid.pivot();
            *squares += difference * difference;
            if value < *min || value > *max {
                // Rare after the first few: a branch costs less than two selections each time.
                (*min, *max) = (min.min(value), max.max(value));
            }
            let bin = &mut bins[grid.bin(value) % (EDGES_MAX + 1)];
            bin.count += 1;
            bin.sum += difference;
        }
    }

    /// Adds what others were counted, on the same grid.
    pub fn merge(&mut self, other: &Self) {
        for (bin, other) in self.0.bins.iter_mut().zip(&other.0.bins) {
            bin.count += other.count;
            bin.sum += other.sum;
        }
        self.0.nulls += other.0.nulls;
        self.0.infinite += other.0.infinite;
        self.0.squares += other.0.squares;
        self.0.min = self.0.min.min(other.0.min);
        self.0.max = self.0.max.max(other.0.max);
    }

    /// What fell into each bin of `grid`.
    pub fn bins(&self, grid: &Grid) -> &[Bin] {
        &self.0.bins[..grid.bins()]
    }

    /// How many finite values.
    pub fn count(&self) -> u64 {
        self.0.bins.iter().map(|bin| bin.count).sum()
    }

    /// How many NaN, which stand for missing values.
    pub fn nulls(&self) -> u64 {
        self.0.nulls
    }

    /// How many infinities, which are in no bin.
    pub fn infinite(&self) -> u64 {
        self.0.infinite
    }

    /// The least finite value.
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.0.min)
    }

    /// The greatest finite value.
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.0.max)
    }

    /// The mean, unless there are no values or they are too large for it.
    pub fn mean(&self, grid: &Grid) -> Option<f64> {
        let sum: f64 = self.0.bins.iter().map(|bin| bin.sum).sum();
        let mean = grid.pivot() + sum / self.count() as f64;
        mean.is_finite().then_some(mean)
    }

    /// The standard deviation of the values themselves (not an estimate for a population that they are drawn from).
    pub fn std(&self) -> Option<f64> {
        let count = self.count() as f64;
        let sum: f64 = self.0.bins.iter().map(|bin| bin.sum).sum();
        let variance = self.0.squares / count - (sum / count).powi(2);
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
        let counts = counts.0;
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
            Tally { nulls: written.nulls, infinite: written.infinite, squares, min, max, ..Tally::default() };
        for (bin, (count, sum)) in counts.bins.iter_mut().zip(written.counts.into_iter().zip(written.sums)) {
            *bin = Bin { count, sum };
        }
        Ok(Self(counts))
    }
}
