//! What a model is to say, row by row.

use super::error::PrepareError;
use crate::table::{Column, ColumnType, MISSING, Table, Values};
use crate::task::Task;
use std::collections::BTreeMap;

/// The most classes of a model.
pub const CLASSES_MAX: usize = 1_000;

/// The fewest rows with a target.
pub const ROWS_MIN: usize = 20;

/// What is true of rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// Positions in the list of classes.
    Classes(Vec<u32>),
    /// Numbers.
    Numbers(Vec<f64>),
}

impl Truth {
    /// What is true of some of the rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(of) => Self::Classes(rows.iter().map(|&row| of[row]).collect()),
            Self::Numbers(of) => Self::Numbers(rows.iter().map(|&row| of[row]).collect()),
        }
    }
}

/// The rows that have a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Of a classifier, in the order of its probabilities: integers by number, texts by their bytes. Else empty.
    pub classes: Vec<String>,
    /// Whether all classes are integers.
    pub are_integers: bool,
    /// The rows of the table, ascending.
    pub rows: Vec<usize>,
    /// For each of these rows.
    pub truth: Truth,
    /// How many rows have no target.
    pub dropped: usize,
}

/// Reads the target of every row that has one.
///
/// # Errors
/// The column is absent or not one of the task, or has too few rows or classes.
pub fn read(table: &Table, name: Option<&str>, task: Task) -> Result<Target, PrepareError> {
    let name = name.ok_or(PrepareError::NoTarget)?;
    let column = table.column(name).ok_or_else(|| PrepareError::NoColumn(name.into()))?;
    let target = match task {
        Task::Classification => classes(column)?,
        Task::Regression => numbers(column)?,
    };
    if target.rows.len() < ROWS_MIN {
        return Err(PrepareError::TooFewRows(format!(
            "{} rows have a target in column '{name}'; at least {ROWS_MIN} are needed",
            target.rows.len()
        )));
    }
    match target.classes.len() {
        _ if task == Task::Regression => Ok(target),
        0 | 1 => Err(unusable(column, "it has one class only")),
        count if count > CLASSES_MAX => Err(unusable(
            column,
            &format!(
                "it has {count} classes, more than {CLASSES_MAX}; if it is a number to be predicted, the task is regression"
            ),
        )),
        _ => of_two_rows_each(column, target),
    }
}

fn unusable(column: &Column, reason: &str) -> PrepareError {
    PrepareError::UnusableTarget { column: column.name.clone(), reason: reason.into() }
}

fn of_two_rows_each(column: &Column, target: Target) -> Result<Target, PrepareError> {
    let mut counts = vec![0; target.classes.len()];
    if let Truth::Classes(of) = &target.truth {
        of.iter().for_each(|&class| counts[class as usize] += 1);
    }
    match counts.iter().position(|&count| count < 2) {
        Some(class) => Err(unusable(
            column,
            &format!("class '{}' has one row only; each class needs two at least", target.classes[class]),
        )),
        None => Ok(target),
    }
}

fn numbers(column: &Column) -> Result<Target, PrepareError> {
    let Values::Numbers(values) = &column.values else {
        return Err(unusable(column, "its values are not numbers, and the task is regression"));
    };
    if let Some(row) = values.iter().position(|value| value.abs() > f64::from(f32::MAX)) {
        return Err(unusable(column, &format!("it has {} in row {}, beyond what 32 bits hold", values[row], row + 1)));
    }
    let rows: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
    let truth = Truth::Numbers(rows.iter().map(|&row| values[row]).collect());
    let dropped = values.len() - rows.len();
    Ok(Target { classes: Vec::new(), are_integers: false, rows, truth, dropped })
}

fn classes(column: &Column) -> Result<Target, PrepareError> {
    if column.column_type == ColumnType::Timestamp {
        return Err(unusable(column, "it holds points in time"));
    }
    let (named, rows, are_integers) = match &column.values {
        Values::Numbers(values) => {
            let rows: Vec<usize> = (0..values.len()).filter(|&row| !values[row].is_nan()).collect();
            let are_integers = rows.iter().all(|&row| is_integer(values[row]));
            (sorted(rows.iter().map(|&row| Ordered(values[row]))), rows, are_integers)
        }
        Values::Texts { codes, texts } => {
            let rows: Vec<usize> = (0..codes.len()).filter(|&row| codes[row] != MISSING).collect();
            (sorted(rows.iter().map(|&row| texts[codes[row] as usize].as_str())), rows, false)
        }
    };
    let (classes, of) = named;
    let dropped = table_rows(&column.values) - rows.len();
    Ok(Target { classes, are_integers, rows, truth: Truth::Classes(of), dropped })
}

fn table_rows(values: &Values) -> usize {
    match values {
        Values::Numbers(values) => values.len(),
        Values::Texts { codes, .. } => codes.len(),
    }
}

/// Whole, and small enough that its neighbours are other numbers.
fn is_integer(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0
}

/// A number that is not NaN.
#[derive(Clone, Copy)]
struct Ordered(f64);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // -0 is 0.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

impl std::fmt::Display for Ordered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (self.0 + 0.0).fmt(formatter)
    }
}

/// The distinct values in their order, and the place of each value among them.
fn sorted<T: Ord + Copy + std::fmt::Display>(values: impl Iterator<Item = T> + Clone) -> (Vec<String>, Vec<u32>) {
    let mut places: BTreeMap<T, u32> = values.clone().map(|value| (value, 0)).collect();
    for (place, (_, at)) in (0..).zip(places.iter_mut()) {
        *at = place;
    }
    (places.keys().map(ToString::to_string).collect(), values.map(|value| places[&value]).collect())
}
