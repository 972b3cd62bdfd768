//! Datasets as answers show them.

use crate::error::ApiError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use servoir_registry::DatasetSummary;
use servoir_types::Timestamp;
use utoipa::ToSchema;

/// A dataset in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetItem {
    /// `dataset_…`
    id: String,
    /// Unique in the organization.
    name: String,
    /// `csv` or `parquet`.
    format: String,
    /// `gzip`, `zstd`, or null. What Parquet compresses inside does not count.
    compression: Option<String>,
    /// Rows that can be used.
    #[schema(minimum = 1)]
    rows: i64,
    #[schema(minimum = 1)]
    column_count: i64,
    /// The file's length.
    #[schema(minimum = 1)]
    size_bytes: i64,
    /// Of the file, in hexadecimal digits.
    sha256: String,
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<DatasetSummary> for DatasetItem {
    fn from(dataset: DatasetSummary) -> Self {
        Self {
            id: dataset.id.to_string(),
            name: dataset.name.to_string(),
            format: dataset.format,
            compression: dataset.compression,
            rows: dataset.rows,
            column_count: dataset.column_count,
            size_bytes: dataset.size_bytes,
            sha256: dataset.digest.to_hex(),
            created_by: dataset.created_by,
            created_at: dataset.created_at,
        }
    }
}

/// A dataset with the profile of each of its columns.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dataset {
    #[serde(flatten)]
    item: DatasetItem,
    /// How a text file is written; null for Parquet.
    #[schema(value_type = Option<Dialect>)]
    dialect: Option<Value>,
    // As the profile wrote it: a number that is read and written again may change in its last digit.
    #[schema(value_type = Vec<DatasetColumn>)]
    columns: Box<RawValue>,
    #[schema(value_type = DatasetProblems)]
    problems: Value,
}

/// How a text file is written.
#[derive(ToSchema)]
#[schema(as = DatasetDialect)]
#[allow(dead_code)] // describes what the registry keeps as JSON, as do those below
pub struct Dialect {
    /// Between fields.
    delimiter: char,
    /// Whether the first row names the columns.
    header: bool,
}

/// What the values of a column are.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct DatasetColumn {
    name: String,
    #[serde(rename = "type")]
    #[schema(schema_with = type_schema)]
    column_type: String,
    /// Values that are there.
    #[schema(minimum = 0)]
    count: u64,
    /// Values that are missing.
    #[schema(minimum = 0)]
    nulls: u64,
    /// Values that differ.
    #[schema(minimum = 0)]
    distinct: u64,
    /// Whether each value was counted by itself; else `distinct`, `quantiles` and `top_values` are approximate.
    exact: bool,
    /// The least: a number, a point in time as text, or null.
    #[schema(value_type = Value)]
    min: Option<Value>,
    /// The greatest.
    #[schema(value_type = Value)]
    max: Option<Value>,
    /// Of numbers.
    mean: Option<f64>,
    /// Deviation of numbers, those being a sample.
    std: Option<f64>,
    quantiles: Option<Quantiles>,
    /// The most frequent first, at most ten.
    top_values: Vec<TopValue>,
}

/// Numbers below which a share of all lies: `p25` a quarter.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = DatasetQuantiles)]
pub struct Quantiles {
    p01: f64,
    p05: f64,
    p25: f64,
    p50: f64,
    p75: f64,
    p95: f64,
    p99: f64,
}

/// A frequent value.
#[derive(ToSchema)]
#[allow(dead_code)]
#[schema(as = DatasetTopValue)]
pub struct TopValue {
    /// A number or a text.
    value: Value,
    #[schema(minimum = 1)]
    count: u64,
}

/// Rows of the file that were left out.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct DatasetProblems {
    #[schema(minimum = 0)]
    broken_rows: u64,
    /// At most 100.
    first: Vec<DatasetProblem>,
}

/// A row that was left out.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct DatasetProblem {
    /// Where it begins; the first line of the file is 1.
    #[schema(minimum = 1)]
    line: u64,
    reason: String,
}

/// The first rows of a dataset.
#[derive(Debug, Serialize, ToSchema)]
pub struct DatasetPreview {
    id: String,
    columns: Vec<PreviewColumn>,
    /// One list per row with a value per column: a number, a truth value, a text, or null for what is missing. Texts of
    /// more than 200 characters are cut.
    #[schema(value_type = Vec<Vec<Value>>)]
    rows: Vec<Box<RawValue>>,
}

/// A column of a preview.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PreviewColumn {
    name: String,
    #[serde(rename = "type")]
    #[schema(schema_with = type_schema)]
    column_type: String,
}

const TYPES: [&str; 5] = ["integer", "number", "boolean", "text", "timestamp"];

fn type_schema() -> utoipa::openapi::schema::Object {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(TYPES))
        .build()
}

impl Dataset {
    /// The whole dataset.
    ///
    /// # Errors
    /// When the registry's row is not what was written.
    pub fn of(dataset: servoir_registry::Dataset) -> Result<Self, ApiError> {
        let columns = RawValue::from_string(dataset.columns).map_err(ApiError::internal)?;
        Ok(Self { item: dataset.summary.into(), dialect: dataset.dialect, columns, problems: dataset.problems })
    }
}

impl DatasetPreview {
    /// The first `limit` rows of what is kept of a dataset: its columns and its first rows, as JSON.
    ///
    /// # Errors
    /// When that is not what was written.
    pub fn of(id: String, (columns, rows): (&str, &str), limit: usize) -> Result<Self, ApiError> {
        let columns = serde_json::from_str(columns).map_err(ApiError::internal)?;
        let mut rows: Vec<Box<RawValue>> = serde_json::from_str(rows).map_err(ApiError::internal)?;
        rows.truncate(limit);
        Ok(Self { id, columns, rows })
    }
}
