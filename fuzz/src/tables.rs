//! A file that is to be a dataset: refused with a reason, or understood, and then every way of reading it agrees.

use crate::folder;
use servoir_studio::job::DataFormat;
use servoir_studio::profile::profile;
use servoir_studio::table::error::TableError;
use servoir_studio::table::inspect::{Inspection, inspect};
use servoir_studio::table::preview::preview;
use servoir_studio::table::{MISSING, Table, Values};
use std::path::Path;

/// The most bytes of a refusal: it quotes an excerpt of the file, never all of it.
const REFUSAL_BYTES_MAX: usize = 2048;

/// Values of files that are read as a whole; a small file of Parquet can say of itself that it has many.
const CELLS_MAX: u64 = 100_000;

/// Reads the bytes as text.
pub fn csv(bytes: &[u8]) {
    // What begins as Parquet does is for the other target.
    if !bytes.starts_with(b"PAR1") {
        read(bytes);
    }
}

/// Reads the bytes as Parquet.
pub fn parquet(bytes: &[u8]) {
    if bytes.starts_with(b"PAR1") {
        read(bytes);
    }
}

fn read(bytes: &[u8]) {
    folder::with_model(bytes, |path, _| match inspect(path) {
        Ok(found) => agree(path, &found),
        Err(error) => is_a_reason(&error),
    });
}

fn is_a_reason(error: &TableError) {
    let TableError::Refused(reason) = error else { panic!("the disk is well: {error}") };
    assert!(!reason.is_empty() && reason.len() <= REFUSAL_BYTES_MAX, "{reason}");
}

fn agree(path: &Path, found: &Inspection) {
    assert!(found.rows > 0 && !found.columns.is_empty(), "{found:?}");
    if found.rows.saturating_mul(found.columns.len() as u64) > CELLS_MAX {
        return;
    }
    // Parquet is told by its headers alone; what is wrong inside shows when it is read.
    let is_text = matches!(found.format, DataFormat::Csv { .. });
    let profiles = match profile(path, found) {
        Ok(profiles) => profiles,
        Err(error) if !is_text => return is_a_reason(&error),
        Err(error) => panic!("a text was understood and cannot be read: {error}"),
    };
    let table = Table::read(path, &found.format, None).expect("what was profiled can be read");
    assert_eq!((table.rows as u64, table.columns.len()), (found.rows, profiles.len()));
    for (column, profile) in table.columns.iter().zip(&profiles) {
        let there = match &column.values {
            Values::Numbers(values) => values.iter().filter(|value| !value.is_nan()).count(),
            Values::Texts { codes, .. } => codes.iter().filter(|&&code| code != MISSING).count(),
        };
        assert_eq!((&column.name, column.column_type), (&profile.name, profile.column_type));
        assert_eq!((there as u64, profile.count + profile.nulls), (profile.count, found.rows), "{}", profile.name);
        serde_json::to_string(profile).expect("a profile can be written");
    }
    let rows = preview(path, &found.format, &found.columns).expect("what was profiled can be shown");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.len() == found.columns.len()));
}
