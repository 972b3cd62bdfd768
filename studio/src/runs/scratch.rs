//! A folder for each run, which goes when the run ends; what a killed server left goes when it starts again.

use servoir_types::RunId;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A run's folder. Dropped, it is removed with everything in it.
#[derive(Debug)]
pub(super) struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes an empty folder that only this user can read.
    pub(super) fn make(scratch: &Path, run: &RunId) -> io::Result<Self> {
        let path = std::path::absolute(scratch)?.join(run.as_str());
        remove(&path)?;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a run's folder was not removed");
        }
    }
}

/// Removes every run's folder.
pub(super) fn sweep(scratch: &Path) -> io::Result<()> {
    remove(scratch)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
