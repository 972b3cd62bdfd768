//! The profile of a column of numbers, made in two passes over it: one to see where its edges belong, one to count.

use super::edges::{self, Values};
use super::moments::Moments;
use crate::counts::NumberCounts;
use crate::grid::Grid;
use crate::packed;
use crate::sketch::QuantileSketch;
use crate::statistics::histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Quantiles are exact up to so many distinct values; of more they come from the sketch.
pub const DISTINCT_MAX: usize = 4096;

/// The precision in which a model takes a number, and in which it is therefore compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// `FP32` and less: values are rounded to it, so that 0.1 of a table is the 0.1 of a request.
    Single,
    /// `FP64` and integers.
    Double,
}

impl Precision {
    /// The number as the model gets it.
    #[inline]
    pub fn round(self, value: f64) -> f64 {
        match self {
            Self::Single => f64::from(value as f32),
            Self::Double => value,
        }
    }

    /// The next number above one that is of this precision.
    pub fn above(self, value: f64) -> f64 {
        match self {
            Self::Single => f64::from((value as f32).next_up()),
            Self::Double => value.next_up(),
        }
    }
}

/// What a column of numbers was like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberProfile {
    /// The precision of the tensor.
    pub precision: Precision,
    /// How many finite values.
    pub count: u64,
    /// How many missing values.
    pub nulls: u64,
    /// How many infinities.
    pub infinite: u64,
    /// How many distinct finite values, up to [`DISTINCT_MAX`].
    pub distinct: Option<u64>,
    /// The least finite value.
    pub min: Option<f64>,
    /// The greatest finite value.
    pub max: Option<f64>,
    /// The mean of the finite values.
    pub mean: Option<f64>,
    /// Their standard deviation, with `n` below the fraction.
    pub std: Option<f64>,
    /// Their quantiles.
    pub quantiles: QuantileSketch,
    /// The edges of the counts.
    pub grid: Grid,
    /// The column's own values, counted as a window's will be.
    pub counts: NumberCounts,
    /// The deciles without repetitions, which are some of the grid's edges.
    #[serde(with = "packed")]
    pub deciles: Vec<f64>,
    /// Edges of equal width by Doane's rule, those that NannyML has.
    #[serde(with = "packed")]
    pub doane: Vec<f64>,
    /// The column's own values between them; the last bin includes its upper edge.
    pub doane_counts: Vec<u64>,
}

impl NumberProfile {
    /// The profile of values that are all there; NaN is a missing one.
    pub fn of(values: &[f64], precision: Precision) -> Self {
        let mut survey = NumberSurvey::new(precision);
        survey.add(values);
        let mut tally = survey.tally();
        tally.add(values);
        tally.finish()
    }
}

/// The first pass.
#[derive(Debug, Clone)]
pub struct NumberSurvey {
    precision: Precision,
    count: u64,
    moments: Moments,
    min: f64,
    max: f64,
    distinct: Option<BTreeMap<i64, (f64, u64)>>,
    sketch: QuantileSketch,
}

impl NumberSurvey {
    /// Of no values yet.
    pub fn new(precision: Precision) -> Self {
        Self {
            precision,
            count: 0,
            moments: Moments::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            distinct: Some(BTreeMap::new()),
            sketch: QuantileSketch::default(),
        }
    }

    /// Adds values; NaN is a missing one.
    pub fn add(&mut self, values: &[f64]) {
        let precision = self.precision;
        for value in values.iter().map(|value| precision.round(*value)).filter(|value| value.is_finite()) {
            self.count += 1;
            self.moments.add(value);
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sketch.add(value);
            self.distinguish(value, 1);
        }
    }

    /// Adds what another survey of the same column has seen.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.moments.merge(&other.moments);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sketch.merge(&other.sketch);
        match &other.distinct {
            Some(values) => values.values().for_each(|(value, count)| self.distinguish(*value, *count)),
            None => self.distinct = None,
        }
    }

    fn distinguish(&mut self, value: f64, count: u64) {
        let Some(distinct) = &mut self.distinct else { return };
        let value = value + 0.0; // -0 and 0 are one value
        distinct.entry(ordered(value)).or_insert((value, 0)).1 += count;
        if distinct.len() > DISTINCT_MAX {
            self.distinct = None;
        }
    }

    /// The second pass: the same values are to be given again.
    pub fn tally(self) -> NumberTally {
        let distinct: Option<Vec<(f64, u64)>> = self.distinct.as_ref().map(|values| values.values().copied().collect());
        let quantiles = match &distinct {
            Some(values) => edges::exact_quantiles(values),
            None => {
                let quantiles = self.sketch.quantiles(&edges::ranks()).unwrap_or_default();
                quantiles.into_iter().map(|quantile| self.precision.round(quantile)).collect()
            }
        };
        let Self { precision, min, max, .. } = self;
        let values = Values { precision, min, max, distinct: distinct.as_deref(), quantiles: &quantiles };
        NumberTally {
            grid: values.grid(),
            deciles: values.deciles(),
            doane: match self.count {
                0 => Vec::new(),
                count => histogram::doane(min, max, count, self.moments.skewness()),
            },
            counts: NumberCounts::default(),
            doane_counts: Vec::new(),
            survey: self,
        }
    }
}

/// The bits of a finite number in the numbers' own order.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The second pass.
#[derive(Debug, Clone)]
pub struct NumberTally {
    survey: NumberSurvey,
    grid: Grid,
    deciles: Vec<f64>,
    doane: Vec<f64>,
    counts: NumberCounts,
    doane_counts: Vec<u64>,
}

impl NumberTally {
    /// Counts values; NaN is a missing one.
    pub fn add(&mut self, values: &[f64]) {
        self.doane_counts.resize(self.doane.len().saturating_sub(1), 0);
        for value in values {
            let value = if value.is_finite() { self.survey.precision.round(*value) } else { *value };
            self.counts.add(&self.grid, &[value]);
            let bin = self.doane.partition_point(|edge| *edge <= value).saturating_sub(1);
            let last = self.doane_counts.len().saturating_sub(1);
            if value.is_finite() && !self.doane_counts.is_empty() {
                self.doane_counts[bin.min(last)] += 1;
            }
        }
    }

    /// Adds what another tally of the same survey has counted.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.doane_counts.resize(self.doane_counts.len().max(other.doane_counts.len()), 0);
        self.doane_counts.iter_mut().zip(&other.doane_counts).for_each(|(count, other)| *count += other);
    }

    /// The profile of what was counted.
    pub fn finish(self) -> NumberProfile {
        let survey = self.survey;
        NumberProfile {
            precision: survey.precision,
            count: self.counts.count(),
            nulls: self.counts.nulls(),
            infinite: self.counts.infinite(),
            distinct: survey.distinct.map(|values| values.len() as u64),
            min: self.counts.min(),
            max: self.counts.max(),
            mean: self.counts.mean(&self.grid),
            std: self.counts.std(),
            quantiles: survey.sketch,
            grid: self.grid,
            counts: self.counts,
            deciles: self.deciles,
            doane: self.doane,
            doane_counts: self.doane_counts,
        }
    }
}
