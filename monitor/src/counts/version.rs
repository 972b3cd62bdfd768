//! Counts of everything that a version was given and answered.

use super::{CategoryCounts, CategoryIndex, Element, NumberCounts};
use crate::baseline::{Baseline, Column, Profile};
use crate::grid::Grid;

/// What the counts of a version are taken with: its baseline, ready to count against. Never changed, and shared by all that
/// count.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    /// Of the baseline's features, in its order.
    pub features: Vec<ColumnMeter>,
    /// Of its outputs.
    pub outputs: Vec<ColumnMeter>,
}

/// What the counts of one column are taken with.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnMeter {
    /// The edges of numbers.
    Number(Box<Grid>),
    /// The values of a category.
    Category(CategoryIndex),
}

/// Counts of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnCounts {
    /// Of numbers.
    Number(Box<NumberCounts>),
    /// Of categories.
    Category(CategoryCounts),
}

/// Fields of requests that could not be counted, because the request was refused or the field is none of the model's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Values of a wrong type.
    pub wrong_type: u64,
    /// Fields that were not there.
    pub missing: u64,
    /// Fields that the model does not know.
    pub extra: u64,
}

/// Counts of a version in some time, on one instance, one node or all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VersionCounts {
    /// How many rows were answered.
    pub rows: u64,
    /// The inputs.
    pub features: Vec<ColumnCounts>,
    /// The answers.
    pub outputs: Vec<ColumnCounts>,
    /// What was wrong with requests.
    pub faults: Faults,
}

impl Meter {
    /// Of a baseline.
    pub fn new(baseline: &Baseline) -> Self {
        let meters = |columns: &[Column]| columns.iter().map(|column| ColumnMeter::new(&column.profile)).collect();
        Self { features: meters(&baseline.features), outputs: meters(&baseline.outputs) }
    }

    /// Counts of nothing yet. What a version that is served needs is allocated here, and nothing later.
    pub fn counts(&self) -> VersionCounts {
        let empty = |meters: &[ColumnMeter]| meters.iter().map(ColumnMeter::counts).collect();
        VersionCounts { features: empty(&self.features), outputs: empty(&self.outputs), ..VersionCounts::default() }
    }
}

impl ColumnMeter {
    fn new(profile: &Profile) -> Self {
        match profile {
            Profile::Number(number) => Self::Number(Box::new(number.grid.clone())),
            Profile::Category(category) => Self::Category(CategoryIndex::new(category)),
        }
    }

    fn counts(&self) -> ColumnCounts {
        match self {
            Self::Number(_) => ColumnCounts::Number(Box::default()),
            Self::Category(index) => ColumnCounts::Category(CategoryCounts::new(index)),
        }
    }

    /// Counts one column of a row-major batch of numbers, when this is one of numbers.
    #[inline]
    pub fn count<T: Element>(&self, counts: &mut ColumnCounts, values: &[T], column: usize, width: usize) {
        if let (Self::Number(grid), ColumnCounts::Number(counts)) = (self, counts) {
            counts.add_column(grid, values, column, width);
        }
    }

    /// Counts a text, when this is a category.
    #[inline]
    pub fn count_text(&self, counts: &mut ColumnCounts, value: &str) {
        if let (Self::Category(index), ColumnCounts::Category(counts)) = (self, counts) {
            counts.add(index, value);
        }
    }

    /// Counts a class that came as a floating-point number, when this is a category.
    #[inline]
    pub fn count_class(&self, counts: &mut ColumnCounts, value: f64) {
        if let (Self::Category(index), ColumnCounts::Category(counts)) = (self, counts) {
            counts.add_float(index, value);
        }
    }

    /// Counts an integer: a class of a category, or a number.
    #[inline]
    pub fn count_integer(&self, counts: &mut ColumnCounts, value: i64) {
        match (self, counts) {
            (Self::Category(index), ColumnCounts::Category(counts)) => counts.add_number(index, value),
            (Self::Number(grid), ColumnCounts::Number(counts)) => counts.add(grid, &[value]),
            _ => {}
        }
    }
}

impl ColumnCounts {
    /// Adds what others were counted, of the same baseline; another kind of column is left out.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Number(counts), Self::Number(other)) => counts.merge(other),
            (Self::Category(counts), Self::Category(other)) => counts.merge(other),
            _ => {}
        }
    }

    /// How many values, without those that are missing.
    pub fn count(&self) -> u64 {
        match self {
            Self::Number(counts) => counts.count(),
            Self::Category(counts) => counts.count(),
        }
    }
}

impl VersionCounts {
    /// Forgets what was counted and keeps the memory.
    pub fn clear(&mut self) {
        for column in self.features.iter_mut().chain(&mut self.outputs) {
            match column {
                ColumnCounts::Number(counts) => **counts = NumberCounts::default(),
                ColumnCounts::Category(counts) => counts.clear(),
            }
        }
        (self.rows, self.faults) = (0, Faults::default());
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.faults == Faults::default()
    }

    /// Adds what others were counted, of the same baseline.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.features.iter_mut().zip(&other.features).for_each(|(counts, other)| counts.merge(other));
        self.outputs.iter_mut().zip(&other.outputs).for_each(|(counts, other)| counts.merge(other));
        self.faults.merge(other.faults);
    }
}

impl Faults {
    /// Adds others.
    pub fn merge(&mut self, other: Self) {
        self.wrong_type += other.wrong_type;
        self.missing += other.missing;
        self.extra += other.extra;
    }
}
