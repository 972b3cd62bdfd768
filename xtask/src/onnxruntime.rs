//! ONNX Runtime's shared library, taken out of the Python wheel and linked to at a path that does not change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::python::Python;
use crate::workspace::Workspace;

/// `target/onnxruntime/libonnxruntime.so`, pointing into the environment's package.
pub fn library(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    let packaged = packaged_library(&python.folder)?;
    let folder = workspace.target.join("onnxruntime");
    fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let link = folder.join("libonnxruntime.so");
    if fs::read_link(&link).is_ok_and(|target| target == packaged) {
        return Ok(link);
    }
    if link.symlink_metadata().is_ok() {
        fs::remove_file(&link).with_context(|| format!("could not remove {}", link.display()))?;
    }
    symlink(&packaged, &link).with_context(|| format!("could not link {}", link.display()))?;
    Ok(link)
}

/// The library where an environment's package has it.
pub fn packaged(python: &Python) -> Result<PathBuf> {
    packaged_library(&python.folder)
}

fn packaged_library(environment: &Path) -> Result<PathBuf> {
    for python in children(&environment.join("lib"))? {
        let capi = python.join("site-packages/onnxruntime/capi");
        if !capi.is_dir() {
            continue;
        }
        let is_library = |file: &PathBuf| file.file_name().is_some_and(|name| is_library_name(&name.to_string_lossy()));
        if let Some(file) = children(&capi)?.into_iter().find(is_library) {
            return Ok(file);
        }
    }
    bail!("no ONNX Runtime library in {}: remove that folder and run this again", environment.display());
}

/// The library carries its version in its name; the providers beside it do not.
fn is_library_name(name: &str) -> bool {
    name.starts_with("libonnxruntime.so.") || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_told_from_what_lies_beside_it() {
        let rows = [
            ("libonnxruntime.so.1.31.1", true),
            ("libonnxruntime.1.31.1.dylib", true),
            ("libonnxruntime_providers_shared.so", false),
            ("onnxruntime_pybind11_state.so", false),
        ];
        for (name, want) in rows {
            assert_eq!(is_library_name(name), want, "{name}");
        }
    }

    #[test]
    fn an_environment_without_the_package_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("lib/python3.11/site-packages")).unwrap();
        let error = packaged_library(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }
}
