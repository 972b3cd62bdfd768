//! Between a file and what the registry keeps of it.

use crate::job::{Compression, DataFormat};
use crate::profile::profile;
use crate::table::ColumnType;
use crate::table::error::TableError;
use crate::table::inspect::inspect;
use crate::table::preview::preview;
use serde::{Deserialize, Serialize};
use serde_json::json;
use servoir_registry::NewDataset;
use servoir_types::Name;
use std::path::Path;

/// Finds out everything that is kept of a file. It reads the file twice, once for its types and once for its profile, and
/// is to be called where it may block.
///
/// # Errors
/// The file is no dataset.
pub fn examine(path: &Path, name: Name) -> Result<NewDataset, TableError> {
    let found = inspect(path)?;
    let profiles = profile(path, &found)?;
    let rows = preview(path, &found.format, &found.columns)?;
    let text = |value: serde_json::Result<String>| value.map_err(|error| TableError::Io(error.into()));
    let (format, compression, dialect) = match &found.format {
        DataFormat::Parquet => ("parquet", None, None),
        DataFormat::Csv { compression, delimiter, header, .. } => {
            let dialect = Dialect { delimiter: char::from(*delimiter), header: *header };
            ("csv", compression.map(Compression::name), Some(json!(dialect)))
        }
    };
    Ok(NewDataset {
        name,
        format,
        compression,
        dialect,
        rows: found.rows,
        column_count: found.columns.len(),
        columns: text(serde_json::to_string(&profiles))?,
        problems: json!(found.problems),
        preview: text(serde_json::to_string(&rows))?,
    })
}

/// How a text file is written, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: char,
    /// Whether the first row names the columns.
    pub header: bool,
}

impl Compression {
    /// As it is kept and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// How a file is to be read, from what a dataset's row says.
///
/// # Errors
/// It is not what this code has written.
pub fn data_format(
    compression: Option<&str>,
    dialect: Option<Dialect>,
    types: Vec<ColumnType>,
) -> Result<DataFormat, serde_json::Error> {
    let Some(Dialect { delimiter, header }) = dialect else { return Ok(DataFormat::Parquet) };
    let compression = compression.map(|name| serde_json::from_value(json!(name))).transpose()?;
    let delimiter = u8::try_from(delimiter).map_err(serde::de::Error::custom)?;
    Ok(DataFormat::Csv { compression, delimiter, header, types })
}
