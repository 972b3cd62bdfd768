//! How many tests this machine could not run, by what they lack: `tests/src/skips.rs` leaves a file for each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// A folder in which a run's skips are counted, empty at first.
pub fn folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("skips");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    Ok(folder)
}

/// Says how many tests were skipped, a line for each reason; nothing when all ran.
pub fn told(folder: &Path) -> Result<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry?.path();
        let reason = fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        *reasons.entry(reason.trim().to_owned()).or_default() += 1;
    }
    let line = |(reason, count): (&String, &usize)| format!("skipped: {count} tests ({reason})\n");
    Ok(reasons.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_are_counted_by_their_reasons() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(told(folder.path()).unwrap(), "");
        for (test, reason) in [("a", "gpu: none\n"), ("b", "c++: none\n"), ("c", "gpu: none\n")] {
            fs::write(folder.path().join(test), reason).unwrap();
        }
        let expected = "skipped: 1 tests (c++: none)\nskipped: 2 tests (gpu: none)\n";
        assert_eq!(told(folder.path()).unwrap(), expected);
    }
}
