//! CUDA's compiler NVRTC, taken out of its Python wheel. It compiles the kernels for devices, and needs none to do it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::python::{NVRTC, Python};
use crate::workspace::Workspace;

/// The library's name, of which others add to.
const LIBRARY: &str = "libnvrtc.so.13";

/// The folders of CUDA's and cuDNN's libraries in an environment that has them, separated by commas.
pub fn all_of_cuda(python: &Python) -> Result<String> {
    let libraries = python.folder.join("lib");
    let entries = std::fs::read_dir(&libraries).with_context(|| format!("could not list {}", libraries.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let packages = entry?.path().join("site-packages/nvidia");
        let of_both = ["cu13/lib", "cudnn/lib"].map(|folder| packages.join(folder));
        folders.extend(of_both.into_iter().filter(|folder| folder.is_dir()));
    }
    Ok(folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(","))
}

/// The folder that holds the compiler's libraries; there is none for a system that has no devices.
pub fn folder(workspace: &Workspace) -> Result<Option<PathBuf>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let environment = Python::ready(workspace, &NVRTC)?.folder;
    let libraries = environment.join("lib");
    let entries = std::fs::read_dir(&libraries).with_context(|| format!("could not list {}", libraries.display()))?;
    for entry in entries {
        let folder = entry?.path().join("site-packages/nvidia/cu13/lib");
        if folder.join(LIBRARY).is_file() {
            return Ok(Some(folder));
        }
    }
    bail!("no {LIBRARY} in {}: remove that folder and run this again", environment.display());
}
