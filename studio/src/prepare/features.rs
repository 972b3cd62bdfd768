//! Which columns a model is given.

use super::error::PrepareError;
use crate::table::{Column, ColumnType, MISSING, Table, Values};
use std::collections::HashSet;

/// The most distinct values of a text feature.
pub const DISTINCT_MAX: usize = 1_000;

/// A text column with more distinct values than this is no feature if more than half of its values are distinct.
const DISTINCT_FEW: usize = 50;

/// The most features of a model.
pub const FEATURES_MAX: usize = 10_000;

/// A column that a model is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its header, and the name of the model's input.
    pub name: String,
    /// Its place in the table.
    pub column: usize,
    /// Whether the model is given texts, and not numbers.
    pub is_text: bool,
}

/// The columns that a model is given, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Features {
    /// At least one, each once.
    pub list: Vec<Feature>,
    /// A sentence for each column that was left out though nobody asked for it.
    pub left_out: Vec<String>,
}

/// Chooses the features: those that are named, or every column that can be one.
///
/// # Errors
/// A column that is named and cannot be one; no features at all.
pub fn choose(table: &Table, target: &str, named: &[String]) -> Result<Features, PrepareError> {
    let mut features = Features::default();
    if named.is_empty() {
        for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| column.name != target) {
            match unusable(column).or_else(|| is_constant(column).then(|| "has the same value in every row".into())) {
                Some(reason) => {
                    features.left_out.push(format!("column '{}' is no feature: it {reason}", column.name));
                }
                None => features.list.push(feature(column, place)),
            }
        }
    }
    let mut seen = HashSet::new();
    for name in named {
        let place = table.columns.iter().position(|column| column.name == *name);
        let place = place.ok_or_else(|| PrepareError::NoColumn(name.clone()))?;
        let column = &table.columns[place];
        let reason = if name == target {
            Some("is the target".into())
        } else if !seen.insert(name) {
            Some("is named twice".into())
        } else {
            unusable(column)
        };
        if let Some(reason) = reason {
            return Err(PrepareError::UnusableFeature { column: name.clone(), reason });
        }
        features.list.push(feature(column, place));
    }
    match features.list.len() {
        0 if features.left_out.is_empty() => Err(PrepareError::NoFeatures("there is none but the target".into())),
        0 => Err(PrepareError::NoFeatures(features.left_out.join("; "))),
        count if count > FEATURES_MAX => Err(PrepareError::NoFeatures(format!(
            "there are {count}, and a model is given {FEATURES_MAX} at most; name those that matter in feature_columns"
        ))),
        _ => Ok(features),
    }
}

fn feature(column: &Column, place: usize) -> Feature {
    Feature { name: column.name.clone(), column: place, is_text: matches!(column.values, Values::Texts { .. }) }
}

/// Why a column cannot be a feature, as half a sentence.
fn unusable(column: &Column) -> Option<String> {
    if column.column_type == ColumnType::Timestamp {
        return Some("holds points in time".into());
    }
    match &column.values {
        Values::Numbers(numbers) => {
            let fits = |number: f64| number.is_nan() || number.abs() <= f64::from(f32::MAX);
            if let Some(row) = numbers.iter().position(|&number| !fits(number)) {
                return Some(format!("has {} in row {}, beyond what 32 bits hold", numbers[row], row + 1));
            }
            numbers.iter().all(|number| number.is_nan()).then(|| "has no values".into())
        }
        Values::Texts { codes, .. } => {
            let present = codes.iter().filter(|&&code| code != MISSING).count();
            match distinct(codes) {
                0 => Some("has no values".into()),
                count if count > DISTINCT_MAX => {
                    Some(format!("has {count} distinct texts, more than the {DISTINCT_MAX} that are categories"))
                }
                count if count > DISTINCT_FEW && 2 * count > present => {
                    Some(format!("has {count} distinct texts in {present} rows: too many to learn from"))
                }
                _ => None,
            }
        }
    }
}

fn is_constant(column: &Column) -> bool {
    match &column.values {
        Values::Numbers(numbers) => numbers.windows(2).all(|pair| pair[0] == pair[1]),
        Values::Texts { codes, .. } => codes.windows(2).all(|pair| pair[0] == pair[1]),
    }
}

fn distinct(codes: &[u32]) -> usize {
    codes.iter().filter(|&&code| code != MISSING).collect::<HashSet<_>>().len()
}
