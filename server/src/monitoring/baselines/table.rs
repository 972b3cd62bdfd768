//! A table as a model's features: which column is which, and the two passes over it.

use super::rows::{Rows, Sampled};
use super::survey::FeatureSurvey;
use super::{bounded, layout, unfit};
use crate::error::ApiError;
use servoir_monitor::layout::Source;
use servoir_monitor::{Column, Layout, Precision};
use servoir_studio::table::ColumnType;
use servoir_studio::table::error::TableError;
use servoir_studio::table::inspect::{Inspection, NamedType, inspect};
use servoir_studio::table::scan::scan;
use servoir_types::{Datatype, Kind, Signature, TensorSpec};
use std::path::Path;

/// A table's features, and rows that its version is to be asked.
pub struct Surveyed {
    /// How many rows the table has.
    pub rows: u64,
    /// Profiles of columns; norms and means of tensors that are no tables come with the answers.
    pub features: Vec<Column>,
    /// Some of the rows.
    pub sampled: Sampled,
}

/// A column of the table, as the element of a tensor.
#[derive(Debug, Clone)]
pub struct Element {
    /// Where it is in the file.
    pub place: usize,
    /// Its header.
    pub name: String,
    /// The tensor that it is in.
    pub tensor: usize,
    /// What the tensor holds.
    pub datatype: Datatype,
    /// Of the tensor.
    pub precision: Precision,
    /// Whether it is a column of the baseline by itself.
    pub is_feature: bool,
}

/// Profiles a table's columns as a model takes them, and takes a sample of its rows. Blocking.
///
/// # Errors
/// 422 `table-mismatch`, naming columns that are missing or of another kind; `unreadable-dataset`.
pub fn survey(file: &Path, signature: &Signature) -> Result<Surveyed, ApiError> {
    let found = inspect(file).map_err(unreadable)?;
    bounded(&Layout::of(signature))?;
    let elements = elements(&found, signature)?;
    let wanted: Vec<usize> = elements.iter().map(|element| element.place).collect();
    let mut surveys: Vec<_> = elements.iter().map(FeatureSurvey::of).collect();
    let mut rows = Rows::new(&elements, signature, found.rows);
    let mut wrong = None;
    let seen = scan(file, &found.format, &wanted, u64::MAX, &mut |column, cells| {
        let taken = surveys[column].add(cells).and_then(|()| rows.add(column, cells));
        if let Err(detail) = taken {
            wrong.get_or_insert(format!("column '{}': {detail}", elements[column].name));
        }
    });
    let seen = seen.map_err(unreadable)?;
    if let Some(detail) = wrong {
        return Err(unfit(detail));
    }
    if seen == 0 {
        return Err(unfit("the table has no rows"));
    }
    surveys.iter_mut().for_each(FeatureSurvey::begin_tally);
    let tallied = scan(file, &found.format, &wanted, u64::MAX, &mut |column, cells| surveys[column].tally(cells));
    tallied.map_err(unreadable)?;
    let features = elements.iter().zip(surveys).filter_map(|(element, survey)| survey.finish(&element.name)).collect();
    Ok(Surveyed { rows: seen, features, sampled: rows.finish() })
}

fn unreadable(error: TableError) -> ApiError {
    match error {
        TableError::Refused(reason) => ApiError::new(Kind::Unprocessable, "unreadable-dataset", reason),
        error @ TableError::Io(_) => ApiError::internal(error),
    }
}

/// The table's column for each element of a row of the model's inputs, in the model's order: by the names of inputs and
/// features, of a model whose only input has no names by the order of the table.
fn elements(found: &Inspection, signature: &Signature) -> Result<Vec<Element>, ApiError> {
    let places = layout::inputs(signature);
    let mut wanted = Vec::new();
    for (tensor, spec) in signature.inputs.iter().enumerate() {
        let of = places.iter().filter(|(place, _)| layout::tensor_of(place) == tensor);
        let precision = of.clone().map(|(_, precision)| *precision).next().unwrap_or(Precision::Double);
        let is_feature = of.into_iter().any(|(place, _)| matches!(place.source, Source::Element { .. }));
        let element = |name: String| Element { place: 0, name, tensor, datatype: spec.datatype, precision, is_feature };
        match named(spec) {
            Some(names) => wanted.extend(names.into_iter().map(element)),
            None if signature.inputs.len() == 1 => return by_order(found, spec, element),
            None => {
                let detail = format!(
                    "the model takes several inputs, of which '{}' is more than a column: no table has that",
                    spec.name
                );
                return Err(unfit(detail));
            }
        }
    }
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|element| found.columns.iter().all(|column| column.name != element.name))
        .map(|element| element.name.as_str())
        .collect();
    if !missing.is_empty() {
        return Err(unfit(format!("the table lacks columns that the model takes: {}", missing.join(", "))));
    }
    for element in &mut wanted {
        let place = found.columns.iter().position(|column| column.name == element.name);
        element.place = place.unwrap_or_default();
        fits(&found.columns[element.place], element)?;
    }
    Ok(wanted)
}

/// The names of a row's elements, where the model has them.
fn named(spec: &TensorSpec) -> Option<Vec<String>> {
    let width = row_len(spec)?;
    match &spec.feature_names {
        Some(names) if names.len() == width => Some(names.clone()),
        _ => (width == 1).then(|| vec![spec.name.clone()]),
    }
}

/// Elements of a row, when the model says so.
fn row_len(spec: &TensorSpec) -> Option<usize> {
    let dims = spec.shape.dims()?;
    let inner = dims.iter().skip(1).map(|dim| usize::try_from(*dim).ok());
    inner.collect::<Option<Vec<_>>>()?.into_iter().try_fold(1usize, usize::checked_mul)
}

/// All columns of the table in their order, for an input whose columns have no names.
fn by_order(
    found: &Inspection,
    spec: &TensorSpec,
    element: impl Fn(String) -> Element,
) -> Result<Vec<Element>, ApiError> {
    let came = found.columns.len();
    if let Some(width) = row_len(spec).filter(|width| *width != came) {
        let detail = format!(
            "input '{}' takes {width} values without names; the table has {came} columns: it must have exactly the features, \
             in the model's order",
            spec.name
        );
        return Err(unfit(detail));
    }
    let of = |(place, column): (usize, &NamedType)| {
        let element = Element { place, ..element(column.name.clone()) };
        fits(column, &element).map(|()| element)
    };
    found.columns.iter().enumerate().map(of).collect()
}

/// Whether what a column holds can be an element of the tensor.
fn fits(column: &NamedType, element: &Element) -> Result<(), ApiError> {
    let is_number = matches!(column.column_type, ColumnType::Integer | ColumnType::Number | ColumnType::Boolean);
    if element.datatype == Datatype::Bytes || is_number {
        return Ok(());
    }
    let detail =
        format!("column '{}' holds texts or times, and the model takes {} there", column.name, element.datatype);
    Err(unfit(detail))
}
