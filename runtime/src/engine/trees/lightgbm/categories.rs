//! Sets of categories, which splits refer to by number.

use super::lines::{Field, Section};
use crate::error::Unsupported;

/// Categories lie below this: the kernels know no more.
const CATEGORIES_MAX: usize = 1 << 24;

/// The sets of a tree, each a list of words with a bit for each category.
pub struct Categories<'t> {
    field: Field<'t>,
    /// Where each set begins in `words`, and where the last one ends.
    bounds: Vec<usize>,
    words: Vec<u32>,
    /// Whether a split has taken the set.
    taken: Vec<bool>,
}

impl<'t> Categories<'t> {
    /// Reads `count` sets.
    ///
    /// # Errors
    /// When they are broken.
    pub fn read(section: &Section<'t>, count: usize) -> Result<Self, Unsupported> {
        let field = section.require("cat_threshold")?;
        let bounds_field = section.require("cat_boundaries")?;
        let bounds: Vec<usize> = bounds_field.numbers(count.saturating_add(1))?;
        if bounds.first() != Some(&0) || !bounds.is_sorted() {
            return Err(bounds_field.wrong("the numbers do not rise from 0"));
        }
        let words = field.numbers(bounds.last().copied().unwrap_or(0))?;
        Ok(Self { field, taken: vec![false; count], bounds, words })
    }

    /// The set of a split, whose threshold is the set's number.
    ///
    /// # Errors
    /// When there is no such set, it has been taken, or it holds categories that are too large.
    pub fn take(&mut self, threshold: f64) -> Result<Vec<u32>, Unsupported> {
        let count = self.taken.len();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // cut, as LightGBM does
        let set = threshold as usize;
        let Some(taken) = self.taken.get_mut(set) else {
            return Err(self.field.wrong(format_args!("a split refers to set {set}, and there are {count}")));
        };
        // Each split has a set of its own, so that splits take no more memory than the file does.
        if std::mem::replace(taken, true) {
            return Err(self.field.wrong(format_args!("two splits refer to set {set}")));
        }
        let words = &self.words[self.bounds[set]..self.bounds[set + 1]];
        if words.len() > CATEGORIES_MAX / 32 {
            let found = format_args!("set {set} has categories of {CATEGORIES_MAX} or more");
            return Err(self
                .field
                .unsupported(found, "number the categories from 0 on, without gaps, and train again"));
        }
        Ok(words.to_vec())
    }
}
