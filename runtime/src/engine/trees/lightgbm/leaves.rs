//! The leaves of a tree: values, or linear functions of the features.

use super::columns::Columns;
use super::lines::Section;
use crate::error::Unsupported;
use servoir_kernels::trees::{Leaf, Linear};

/// Reads so many leaves.
///
/// # Errors
/// When one is broken.
pub fn read(section: &Section<'_>, count: usize, columns: &mut Columns) -> Result<Vec<Leaf<f64>>, Unsupported> {
    let values: Vec<f64> = section.require("leaf_value")?.numbers(count)?;
    let is_linear = section.get("is_linear").map_or(Ok(0u8), |field| field.number())? != 0;
    if !is_linear {
        return Ok(values.into_iter().map(|value| Leaf { values: vec![value], linear: None }).collect());
    }
    let constants: Vec<f64> = section.require("leaf_const")?.numbers(count)?;
    let terms = terms(section, count, columns)?;
    let leaf = |((without, constant), terms): ((f64, f64), Vec<(usize, f64)>)| Leaf {
        values: vec![constant],
        linear: (!terms.is_empty()).then_some(Linear { terms, without }),
    };
    Ok(values.into_iter().zip(constants).zip(terms).map(leaf).collect())
}

/// The terms of each leaf, columns with coefficients, which the file has one leaf after the other.
fn terms(section: &Section<'_>, count: usize, columns: &mut Columns) -> Result<Vec<Vec<(usize, f64)>>, Unsupported> {
    let counts_field = section.require("num_features")?;
    let counts: Vec<usize> = counts_field.numbers(count)?;
    let sum = |sum: usize, count: &usize| sum.checked_add(*count);
    let all = counts.iter().try_fold(0, sum).ok_or_else(|| counts_field.wrong("the numbers are too large"))?;
    let features_field = section.require("leaf_features")?;
    let features: Vec<usize> = features_field.numbers(all)?;
    let coefficients: Vec<f64> = section.require("leaf_coeff")?.numbers(all)?;
    let inputs = columns.inputs();
    if let Some(feature) = features.iter().find(|feature| **feature >= inputs) {
        return Err(features_field.wrong(format_args!("feature {feature} does not exist, the model has {inputs}")));
    }
    let mut all = features.into_iter().map(|feature| columns.multiplied(feature)).zip(coefficients);
    Ok(counts.into_iter().map(|count| all.by_ref().take(count).collect()).collect())
}
