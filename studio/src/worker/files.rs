//! The files of the output folder.

use super::ended::Ended;
use crate::job::OUTCOME;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes bytes under a name.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Ended> {
    std::fs::write(folder.join(name), bytes).map_err(Ended::unwritable)
}

/// Writes a value as JSON under a name.
pub fn write_json(folder: &Path, name: &str, value: &impl Serialize) -> Result<(), Ended> {
    let mut file = BufWriter::new(File::create(folder.join(name)).map_err(Ended::unwritable)?);
    serde_json::to_writer(&mut file, value).map_err(Ended::unwritable)?;
    file.flush().map_err(Ended::unwritable)
}

/// Writes the outcome, which makes the folder complete: at once or not at all.
pub fn write_outcome(folder: &Path, outcome: &impl Serialize) -> Result<(), Ended> {
    let unfinished = format!("{OUTCOME}.unfinished");
    write_json(folder, &unfinished, outcome)?;
    std::fs::rename(folder.join(unfinished), folder.join(OUTCOME)).map_err(Ended::unwritable)
}
