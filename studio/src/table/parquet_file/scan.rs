//! Reading a Parquet file.

use super::bounds::{self, Weight};
use super::groups::Group;
use super::{cells, columns, footer, groups};
use crate::job::DataFormat;
use crate::table::cells::Cells;
use crate::table::error::TableError;
use crate::table::inspect::{Inspection, NamedType, Problems};
use crate::table::scan::Take;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetStatisticsPolicy};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// What the file is, told by its footer and its pages' headers.
pub fn inspect(path: &Path) -> Result<Inspection, TableError> {
    let (mut file, metadata) = open(path)?;
    let columns = columns::of(metadata.schema())?;
    bounds::weigh(&mut file, metadata.metadata(), true)?;
    let rows = rows_of(metadata.metadata());
    if rows == 0 {
        return Err(TableError::refused("the file has no rows"));
    }
    Ok(Inspection { format: DataFormat::Parquet, columns, rows, problems: Problems::default() })
}

/// Hands over the columns at the `wanted` places in pieces, at most `rows_max` rows of them.
pub fn scan(path: &Path, wanted: &[usize], rows_max: u64, take: Take<'_>) -> Result<u64, TableError> {
    let (mut file, metadata) = open(path)?;
    let names = columns::of(metadata.schema())?;
    let weights = bounds::weigh(&mut file, metadata.metadata(), false)?;
    let weight = |&place: &usize| weights.get(place).copied().ok_or_else(|| damaged(&"a column is not there"));
    let weights: Vec<Weight> = wanted.iter().map(weight).collect::<Result<_, _>>()?;
    let options = ArrowReaderOptions::new().with_schema(Arc::new(columns::with_views(metadata.schema())));
    let metadata = guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options))?;
    let rows = rows_of(metadata.metadata()).min(rows_max);
    let reading = Reading { file, metadata, names: &names, wanted, rows };
    for group in groups::of(&weights) {
        reading.group(&group, take)?;
    }
    Ok(rows)
}

fn open(path: &Path) -> Result<(File, ArrowReaderMetadata), TableError> {
    let mut file = File::open(path)?;
    footer::check(&mut file)?;
    let options = ArrowReaderOptions::new()
        .with_skip_arrow_metadata(true)
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    let metadata = guarded(|| ArrowReaderMetadata::load(&file, options))?;
    Ok((file, metadata))
}

fn rows_of(metadata: &ParquetMetaData) -> u64 {
    metadata.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum()
}

struct Reading<'a> {
    file: File,
    metadata: ArrowReaderMetadata,
    names: &'a [NamedType],
    wanted: &'a [usize],
    rows: u64,
}

impl Reading<'_> {
    /// Reads the columns of a group from the first row to the last.
    fn group(&self, group: &Group, take: Take<'_>) -> Result<(), TableError> {
        // The reader hands columns over in the file's order.
        let mut members = group.members.clone();
        members.sort_by_key(|&member| self.wanted[member]);
        let leaves = members.iter().map(|&member| self.wanted[member]);
        let mask = ProjectionMask::leaves(self.metadata.metadata().file_metadata().schema_descr(), leaves);
        let limit = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let file = self.file.try_clone()?;
        let mut batches = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_projection(mask)
                .with_batch_size(group.rows)
                .with_limit(limit)
                .build()
        })?;
        let mut rows = 0;
        while let Some(batch) = guarded(|| batches.next().transpose().map_err(ParquetError::from))? {
            rows += batch.num_rows() as u64;
            for (&member, array) in members.iter().zip(batch.columns()) {
                let in_column = |error| match error {
                    TableError::Refused(why) => {
                        TableError::refused(format!("column '{}': {why}", self.names[self.wanted[member]].name))
                    }
                    error => error,
                };
                cells::hand_over(array, &mut |cells: &Cells| take(member, cells)).map_err(in_column)?;
            }
        }
        if rows == self.rows { Ok(()) } else { Err(damaged(&"it has other rows than its footer says")) }
    }
}

/// Calls the library, whose failures are the file's: it has been held against its bounds, and it is a local file.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, TableError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| damaged(&error)),
        Err(_) => Err(damaged(&"what it says of itself contradicts itself")),
    }
}

fn damaged(what: &dyn std::fmt::Display) -> TableError {
    let what: String = what.to_string().chars().take(300).flat_map(char::escape_debug).collect();
    TableError::refused(format!("the Parquet file is damaged: {what}"))
}
