//! From a run's row and its dataset's to the job of a child.

use crate::config::TrainConfig;
use crate::dataset::{Dialect, data_format};
use crate::job::DataFormat;
use crate::table::ColumnType;
use serde::Deserialize;
use servoir_registry::{Run, RunDataset};

/// A column of a dataset's row, as far as a reader needs it.
#[derive(Deserialize)]
struct Column {
    r#type: ColumnType,
}

/// How a run's dataset is to be read.
///
/// # Errors
/// What of the row cannot be understood.
pub(super) fn format(dataset: &RunDataset) -> Result<DataFormat, String> {
    let dialect: Option<Dialect> = serde_json::from_value(dataset.dialect.clone()).map_err(unreadable)?;
    let columns: Vec<Column> = serde_json::from_value(dataset.columns.clone()).map_err(unreadable)?;
    let types = columns.into_iter().map(|column| column.r#type).collect();
    data_format(dataset.compression.as_deref(), dialect, types).map_err(unreadable)
}

/// The configuration that a run was begun with.
///
/// # Errors
/// What of it cannot be understood.
pub(super) fn config(run: &Run) -> Result<TrainConfig, String> {
    serde_json::from_value(run.config.clone()).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> String {
    format!("the run's row cannot be understood: {error}")
}
