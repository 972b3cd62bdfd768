//! What the Python scripts make: the tests' models with their answers, the demo's models, and the benchmarks'.

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

/// `target/bench-models`, made by `benches/models.py`.
pub fn for_benchmarks(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    made_by(workspace, python, "benches/models.py", "bench-models")
}

/// Runs a script on an empty folder of the target folder, unless that was done with the same scripts and packages.
fn made_by(workspace: &Workspace, python: &Python, script: &str, name: &str) -> Result<PathBuf> {
    let folder = workspace.target.join(name);
    let python_folder = workspace.root.join("python");
    let mut sources = files_below(&python_folder, "py")?;
    let is_of_others = |source: &PathBuf| {
        source.starts_with(python_folder.join("clients"))
            || (source.starts_with(python_folder.join("benches")) && !script.starts_with("benches"))
    };
    sources.retain(|source| !is_of_others(source));
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
