//! LightGBM's text files, as `save_model` writes them since version 3.
//!
//! What a file answers is what `Booster.predict` answers on a table of numbers: the same doubles, compared with the same
//! thresholds, added in the same order. Categories are numbers here too: a model that was trained on categories of pandas
//! takes their codes.

mod categories;
mod columns;
mod header;
mod leaves;
mod lines;
mod numbers;
mod objective;
mod outcome;
mod splits;
mod tree;

use super::features::Matrix;
use super::model::{Features, Loaded, Model};
use crate::error::Unsupported;
use columns::Columns;
use header::Header;
use lines::{Lines, Next};
use outcome::Answer;
use servoir_kernels::trees::{Forest, Tree};
use std::path::Path;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 31;

/// What to do about a file that is not what LightGBM writes.
const ADVICE: &str = "check that the file is complete; where LightGBM can load it, have it save the model again";

/// Reads a model that `save_model` wrote.
///
/// # Errors
/// When the file is broken, with the line, or holds what no kernel computes.
pub fn read(path: &Path) -> Result<Loaded, Unsupported> {
    let parts = Parts::read(&text(path)?)?;
    parts.model().map(Loaded::Double)
}

fn text(path: &Path) -> Result<String, Unsupported> {
    let unreadable = |error: std::io::Error| {
        Unsupported::new(format!("the file cannot be read: {error}"), "check that it exists and may be read")
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        let found = format!("the model file has {bytes} bytes, more than the {FILE_BYTES_MAX} that are read");
        return Err(Unsupported::new(found, "train with fewer trees or fewer leaves"));
    }
    String::from_utf8(std::fs::read(path).map_err(unreadable)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        lines::broken(line, "this is not UTF-8")
    })
}

/// A file's content, apart from the file.
struct Parts {
    header: Header,
    columns: Columns,
    trees: Vec<Tree<f64, f64>>,
}

impl Parts {
    fn read(text: &str) -> Result<Self, Unsupported> {
        let mut lines = Lines::new(text);
        let (section, mut next) = lines.section(&header::KEYS)?;
        let header = Header::read(&section)?;
        let mut columns = Columns::new(header.names.len());
        let mut trees = Vec::new();
        while next == Next::Tree {
            let (section, after) = lines.section(&tree::KEYS)?;
            trees.push(tree::read(&section, &mut columns, trees.len() % header.outputs)?);
            next = after;
        }
        header.check_count(trees.len(), lines.number())?;
        Ok(Self { header, columns, trees })
    }

    fn model(self) -> Result<Model<f64, f64>, Unsupported> {
        let Self { header, columns, trees } = self;
        let forest = Forest::new(columns.count(), vec![0.0; header.outputs], &trees)
            .map_err(|error| Unsupported::new(format!("the trees cannot be walked: {error}"), ADVICE))?;
        let rounds = trees.len() / header.outputs;
        Ok(Model {
            signature: header.signature(),
            features: if columns.is_input() { Box::new(Matrix) as Box<dyn Features<f64>> } else { Box::new(columns) },
            forest,
            outcome: Box::new(Answer::new(&header, rounds)),
        })
    }
}

#[cfg(test)]
mod tests;
