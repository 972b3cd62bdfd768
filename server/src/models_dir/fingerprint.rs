//! What tells whether a folder has changed: names, sizes and times of its files.

use super::refusal::Refusal;
use servoir_types::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most files of one model, in all its versions.
const FILES_MAX: usize = 10_000;

/// How many folders deep a model's files may lie.
const DEPTH_MAX: usize = 8;

/// A folder's files, sorted. Two readings are equal when nothing was added, removed or written in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Fingerprint {
    /// Reads a folder with all that is in it. Blocking.
    ///
    /// # Errors
    /// When a part cannot be read, or it holds more than a model does.
    pub fn of(folder: &Path) -> Result<Self, Refusal> {
        let mut files = Vec::new();
        collect(folder, DEPTH_MAX, &mut files)?;
        files.sort();
        Ok(Self(files))
    }

    /// What stands for the folder as it was read.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("{:?}", self.0).as_bytes())
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, u64, Option<SystemTime>)>) -> Result<(), Refusal> {
    if depth == 0 {
        return Err(Refusal::folder(folder, format!("expected files at most {DEPTH_MAX} folders deep")));
    }
    let unreadable = |error: std::io::Error| Refusal::folder(folder, error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if is_hidden(&path) {
            continue;
        }
        // Links are followed: folders mounted from configuration are made of them.
        let metadata = fs::metadata(&path).map_err(|error| Refusal::folder(&path, error))?;
        if metadata.is_dir() {
            collect(&path, depth - 1, files)?;
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(Refusal::folder(folder, format!("expected at most {FILES_MAX} files")));
        }
        files.push((path, metadata.len(), metadata.modified().ok()));
    }
    Ok(())
}

/// Whether a name begins with a full stop: what version control, mounts and downloads in progress keep for themselves.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
