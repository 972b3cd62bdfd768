//! The splits of a tree, as `Tree::Decision` of LightGBM's source reads them.

use super::categories::Categories;
use super::columns::{Columns, Sense, ZERO_MAX};
use super::lines::{Field, Section};
use crate::error::Unsupported;
use servoir_kernels::trees::{Split, Test};

/// Bit of `decision_type`: the test is a set's.
const IS_CATEGORICAL: u8 = 1;
/// Bit of `decision_type`: a missing value goes left.
const DEFAULT_LEFT: u8 = 2;
/// Bits of `decision_type` above which nothing is known.
const KNOWN: u8 = 0b1111;

/// Reads the splits of a tree with so many leaves.
///
/// # Errors
/// When one is broken, or cannot be computed.
pub fn read(section: &Section<'_>, leaves: usize, columns: &mut Columns) -> Result<Vec<Split<f64>>, Unsupported> {
    let count = leaves - 1;
    let feature_field = section.require("split_feature")?;
    let type_field = section.require("decision_type")?;
    let features: Vec<usize> = feature_field.numbers(count)?;
    let types: Vec<u8> = type_field.numbers(count)?;
    let thresholds: Vec<f64> = section.require("threshold")?.numbers(count)?;
    let left = children(section.require("left_child")?, leaves)?;
    let right = children(section.require("right_child")?, leaves)?;
    let mut categories = match section.require("num_cat")?.number()? {
        0 => None,
        count => Some(Categories::read(section, count)?),
    };
    let mut splits = Vec::with_capacity(count);
    for (index, feature) in features.into_iter().enumerate() {
        let inputs = columns.inputs();
        if feature >= inputs {
            return Err(feature_field.wrong(format_args!("feature {feature} does not exist, the model has {inputs}")));
        }
        let (sense, test, missing_left) = match (types[index], &mut categories) {
            (unknown, _) if unknown & !KNOWN != 0 => {
                return Err(type_field.wrong(format_args!("{unknown} is not a type of decision")));
            }
            (kind, Some(categories)) if kind & IS_CATEGORICAL != 0 => {
                (Sense::Category, Test::In(categories.take(thresholds[index])?), false)
            }
            (kind, None) if kind & IS_CATEGORICAL != 0 => {
                return Err(type_field.wrong(format_args!("split {index} is categorical, and `num_cat` is 0")));
            }
            (kind, _) => numeric(kind, thresholds[index], type_field)?,
        };
        let feature = columns.tested(feature, sense);
        splits.push(Split { feature, test, missing_left, left: left[index], right: right[index] });
    }
    Ok(splits)
}

/// A test of a number, by what it takes for missing.
fn numeric(kind: u8, threshold: f64, field: Field<'_>) -> Result<(Sense, Test<f64>, bool), Unsupported> {
    let default_left = kind & DEFAULT_LEFT != 0;
    let test = Test::AtMost(around_zero(threshold));
    match kind >> 2 {
        // NaN is taken for zero.
        0 => Ok((Sense::Number, test, 0.0 <= threshold)),
        1 => Ok((Sense::ZeroIsMissing, test, default_left)),
        2 => Ok((Sense::Number, test, default_left)),
        unknown => Err(field.wrong(format_args!("{unknown} is not a type of missing values"))),
    }
}

/// The threshold that does for all numbers next to zero what this one does for zero: LightGBM takes them for zero.
fn around_zero(threshold: f64) -> f64 {
    if (0.0..ZERO_MAX).contains(&threshold) {
        ZERO_MAX
    } else if (-ZERO_MAX..0.0).contains(&threshold) {
        (-ZERO_MAX).next_down()
    } else {
        threshold
    }
}

/// Children as positions among the nodes, splits first, then leaves, which are negative in the file: `-1` is the first.
fn children(field: Field<'_>, leaves: usize) -> Result<Vec<usize>, Unsupported> {
    let splits = leaves - 1;
    let position = |child: i64| {
        let (index, first, count) = if child < 0 { (!child, splits, leaves) } else { (child, 0, splits) };
        let index = usize::try_from(index).ok().filter(|index| *index < count);
        let found = index.map(|index| first + index);
        found.ok_or_else(|| field.wrong(format_args!("child {child} does not exist in a tree of {leaves} leaves")))
    };
    field.numbers(splits)?.into_iter().map(position).collect()
}
