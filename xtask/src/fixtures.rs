//! What the Python scripts make: the tests' models with their answers, and the demo's models.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::python::Python;
use crate::stamp::{Stamp, files_below};
use crate::workspace::Workspace;

/// `target/fixtures`, made by `make_fixtures.py`.
pub fn for_tests(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    made_by(workspace, python, "make_fixtures.py", "fixtures")
}

/// `target/demo`, made by `train_demo_models.py`.
pub fn for_demo(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    made_by(workspace, python, "train_demo_models.py", "demo")
}

/// Runs a script on an empty folder of the target folder, unless that was done with the same scripts and packages.
fn made_by(workspace: &Workspace, python: &Python, script: &str, name: &str) -> Result<PathBuf> {
    let folder = workspace.target.join(name);
    let python_folder = workspace.root.join("python");
    let mut sources = files_below(&python_folder, "py")?;
    sources.retain(|source| !source.starts_with(python_folder.join("clients")));
    sources.push(python_folder.join("requirements.txt"));
    let stamp = Stamp::new(workspace.target.join(format!("{name}.stamp")), &[], &sources)?;
    if stamp.is_current() && folder.is_dir() {
        return Ok(folder);
    }
    eprintln!("{script}: making {}", folder.display());
    stamp.lift()?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("could not remove {}", folder.display()))?;
    }
    process::run(python.script(workspace, script).arg(&folder))?;
    stamp.leave()?;
    Ok(folder)
}
