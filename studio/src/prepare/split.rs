//! Which rows train, which choose and which judge.

use super::error::PrepareError;
use super::random::Random;
use super::target::{Target, Truth};
use crate::config::Validation;

/// Places in the rows of a [`Target`], each ascending, together all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Split {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// The shares that `test_size` and `val_size` may be, and the most that both may be together.
const SHARES: std::ops::RangeInclusive<f64> = 0.01..=0.5;
const SHARES_TOGETHER_MAX: f64 = 0.9;

/// Splits the rows by the seed; of a classifier, when that is asked for, with the classes in the same proportions in each
/// part. A class of two rows and more has a row to train on.
///
/// # Errors
/// Shares out of range; too few rows for each part to have one; a class without a row to train on.
pub fn split(target: &Target, validation: &Validation) -> Result<Split, PrepareError> {
    for (name, share) in [("test_size", validation.test_size), ("val_size", validation.val_size)] {
        if !SHARES.contains(&share) {
            return Err(PrepareError::BadSplit(format!(
                "validation.{name} is {share}; it may be from {} to {}",
                SHARES.start(),
                SHARES.end()
            )));
        }
    }
    let together = validation.test_size + validation.val_size;
    if together > SHARES_TOGETHER_MAX {
        return Err(PrepareError::BadSplit(format!(
            "validation.test_size and val_size are {together} together, and leave too little to train on; \
             they may be {SHARES_TOGETHER_MAX} at most"
        )));
    }
    let mut split = Split::default();
    let mut random = Random::new(validation.seed, 1);
    let mut carried = Carried::default();
    for mut group in groups(target, validation.stratify) {
        random.shuffle(&mut group);
        let mut test = carried.test.take(group.len(), validation.test_size);
        let mut chosen = carried.validation.take(group.len(), validation.val_size);
        // Somebody must be left to learn from.
        if test + chosen >= group.len() {
            test = test.min(group.len() - 1);
            chosen = chosen.min(group.len() - 1 - test);
        }
        split.test.extend(&group[..test]);
        split.validation.extend(&group[test..test + chosen]);
        split.train.extend(&group[test + chosen..]);
    }
    for (name, part) in [("train", &mut split.train), ("validation", &mut split.validation), ("test", &mut split.test)]
    {
        part.sort_unstable();
        if part.is_empty() {
            return Err(PrepareError::TooFewRows(format!(
                "{} rows leave none for the {name} part; more rows or a larger share are needed",
                target.rows.len()
            )));
        }
    }
    every_class_trains(target, &split)?;
    Ok(split)
}

/// Rows that are split each in the same proportions.
fn groups(target: &Target, stratify: bool) -> Vec<Vec<usize>> {
    match &target.truth {
        Truth::Classes(of) if stratify => {
            let mut groups = vec![Vec::new(); target.classes.len()];
            of.iter().enumerate().for_each(|(row, &class)| groups[class as usize].push(row));
            groups
        }
        _ => vec![(0..target.rows.len()).collect()],
    }
}

fn every_class_trains(target: &Target, split: &Split) -> Result<(), PrepareError> {
    let Truth::Classes(of) = &target.truth else { return Ok(()) };
    let mut has = vec![false; target.classes.len()];
    split.train.iter().for_each(|&row| has[of[row] as usize] = true);
    match has.iter().position(|has| !has) {
        Some(class) => Err(PrepareError::TooFewRows(format!(
            "class '{}' has no row in the training part; set validation.stratify",
            target.classes[class]
        ))),
        None => Ok(()),
    }
}

/// What rounding has left over, by part, so that the parts are right in sum.
#[derive(Default)]
struct Carried {
    test: Share,
    validation: Share,
}

#[derive(Default)]
struct Share {
    owed: f64,
}

impl Share {
    /// How many of so many rows.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // numbers of rows
    fn take(&mut self, rows: usize, share: f64) -> usize {
        self.owed += rows as f64 * share;
        let taken = (self.owed.round().max(0.0) as usize).min(rows);
        self.owed -= taken as f64;
        taken
    }
}
