//! Counts of the categories of one feature.

use crate::baseline::CategoryProfile;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The categories of a baseline, ready to be found.
///
/// Only the baseline's own values are in it, so that no request can make it larger or slower.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryIndex {
    texts: HashMap<String, usize>,
    numbers: HashMap<i64, usize>,
    /// The slots of the numbers from 0 on, which most classes are, to be found without hashing.
    classes: Vec<Option<usize>>,
    size: usize,
}

/// The most classes that are found without hashing.
const CLASSES_MAX: i64 = 256;

impl CategoryIndex {
    /// Of the values that a profile names.
    pub fn new(profile: &CategoryProfile) -> Self {
        let texts: HashMap<String, usize> =
            profile.values.iter().enumerate().map(|(slot, (value, _))| (value.clone(), slot)).collect();
        let canonical = |(value, slot): (&String, &usize)| {
            let number = value.parse::<i64>().ok()?;
            (number.to_string() == *value).then_some((number, *slot))
        };
        let numbers: HashMap<i64, usize> = texts.iter().filter_map(canonical).collect();
        let classes =
            numbers.keys().filter(|number| (0..CLASSES_MAX).contains(*number)).max().map_or(0, |last| last + 1);
        let classes = (0..classes).map(|number| numbers.get(&number).copied()).collect();
        Self { texts, numbers, classes, size: profile.values.len() }
    }

    fn number(&self, number: i64) -> Option<usize> {
        match usize::try_from(number).ok().and_then(|number| self.classes.get(number)) {
            Some(slot) => *slot,
            None => self.numbers.get(&number).copied(),
        }
    }
}

/// Counts of the categories of one feature: 8 bytes for each of the baseline's values, and 40 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CategoryCounts {
    /// In the order of the baseline's values.
    pub(crate) values: Vec<u64>,
    pub(crate) other: u64,
    pub(crate) nulls: u64,
}

impl CategoryCounts {
    /// Of nothing yet.
    pub fn new(index: &CategoryIndex) -> Self {
        Self { values: vec![0; index.size], other: 0, nulls: 0 }
    }

    /// The counts that the baseline's own column has.
    pub fn of(profile: &CategoryProfile) -> Self {
        let values = profile.values.iter().map(|(_, count)| *count).collect();
        Self { values, other: profile.other, nulls: profile.nulls }
    }

    /// Counts a text. The empty text is a missing one.
    #[inline]
    pub fn add(&mut self, index: &CategoryIndex, value: &str) {
        if value.is_empty() {
            self.nulls += 1;
        } else {
            self.place(index.texts.get(value).copied());
        }
    }

    /// Counts a number that names a class.
    #[inline]
    pub fn add_number(&mut self, index: &CategoryIndex, value: i64) {
        self.place(index.number(value));
    }

    /// Counts a number that names a class and came as floating-point; NaN is a missing one.
    #[inline]
    pub fn add_float(&mut self, index: &CategoryIndex, value: f64) {
        let number = value as i64;
        if value.is_nan() {
            self.nulls += 1;
        } else if number as f64 == value {
            self.add_number(index, number);
        } else {
            self.other += 1;
        }
    }

    /// Forgets what was counted and keeps the memory.
    pub fn clear(&mut self) {
        self.values.fill(0);
        (self.other, self.nulls) = (0, 0);
    }

    fn place(&mut self, slot: Option<usize>) {
        match slot.and_then(|slot| self.values.get_mut(slot)) {
            Some(count) => *count += 1,
            None => self.other += 1,
        }
    }

    /// Adds what others were counted, of the same baseline.
    pub fn merge(&mut self, other: &Self) {
        self.values.resize(self.values.len().max(other.values.len()), 0);
        self.values.iter_mut().zip(&other.values).for_each(|(count, other)| *count += other);
        self.other += other.other;
        self.nulls += other.nulls;
    }

    /// How many rows have a value.
    pub fn count(&self) -> u64 {
        self.values.iter().sum::<u64>() + self.other
    }

    /// How many rows have none.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// How many rows have a value that the baseline does not name.
    pub fn other(&self) -> u64 {
        self.other
    }

    /// The counts of the baseline's values, in its order, and of all others.
    pub fn shares(&self) -> Vec<u64> {
        self.values.iter().copied().chain([self.other]).collect()
    }
}
