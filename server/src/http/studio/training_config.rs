//! Whether a dataset has what a configuration learns.

use crate::error::ApiError;
use serde_json::Value;
use servoir_registry::RegistryError;
use servoir_studio::config::TrainConfig;
use servoir_types::Kind;

/// Whether a dataset of these columns can be learned from.
///
/// # Errors
/// 422 `no-target`, or `columns-missing` with every column that is missing.
pub fn require_columns(config: &TrainConfig, columns: &Value) -> Result<(), ApiError> {
    let Some(target) = &config.target_column else {
        let detail = "the configuration names no 'target_column'";
        return Err(ApiError::new(Kind::Unprocessable, "no-target", detail));
    };
    let names: Vec<&str> =
        columns.as_array().into_iter().flatten().filter_map(|column| column["name"].as_str()).collect();
    let wanted = std::iter::once(target).chain(&config.feature_columns);
    let missing: Vec<String> = wanted.filter(|column| !names.contains(&column.as_str())).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(RegistryError::ColumnsMissing(missing).into()) }
}
