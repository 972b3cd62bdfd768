//! The profile of a column of texts or classes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The values that a profile names; those that are rarer are counted together.
pub const CATEGORIES_MAX: usize = 1000;

/// A longer value, in bytes, is no category: it is counted with the others.
pub const VALUE_BYTES_MAX: usize = 256;

/// While a column is surveyed, so many values at most are told apart; those that come after them are counted together.
const SURVEYED_MAX: usize = 65_536;

/// What a column of texts or classes was like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CategoryProfile {
    /// How many rows have a value.
    pub count: u64,
    /// How many have none.
    pub nulls: u64,
    /// The values and how often each was there, the most frequent first, equally frequent ones by their bytes.
    pub values: Vec<(String, u64)>,
    /// How many rows have a value that is not among [`Self::values`].
    pub other: u64,
}

impl CategoryProfile {
    /// The profile of values that are all there.
    pub fn of<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut survey = CategorySurvey::default();
        survey.add(values);
        survey.finish()
    }
}

/// The one pass over a column of texts or classes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CategorySurvey {
    values: BTreeMap<String, u64>,
    other: u64,
    nulls: u64,
}

impl CategorySurvey {
    /// Adds values; `None` and the empty text are missing ones.
    pub fn add<'a>(&mut self, values: impl IntoIterator<Item = Option<&'a str>>) {
        for value in values {
            match value {
                None | Some("") => self.nulls += 1,
                Some(value) => self.add_times(value, 1),
            }
        }
    }

    /// Adds what another survey of the same column has seen.
    pub fn merge(&mut self, other: &Self) {
        other.values.iter().for_each(|(value, count)| self.add_times(value, *count));
        self.other += other.other;
        self.nulls += other.nulls;
    }

    fn add_times(&mut self, value: &str, count: u64) {
        if let Some(known) = self.values.get_mut(value) {
            *known += count;
        } else if value.len() > VALUE_BYTES_MAX || self.values.len() == SURVEYED_MAX {
            self.other += count;
        } else {
            self.values.insert(value.to_owned(), count);
        }
    }

    /// The profile of what was seen.
    pub fn finish(self) -> CategoryProfile {
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        values.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        let rarer = values.split_off(values.len().min(CATEGORIES_MAX));
        let other = self.other + rarer.iter().map(|(_, count)| count).sum::<u64>();
        let named = values.iter().map(|(_, count)| count).sum::<u64>();
        CategoryProfile { count: named + other, nulls: self.nulls, values, other }
    }
}
