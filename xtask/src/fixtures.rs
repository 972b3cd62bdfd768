//! What the Python scripts make: the tests' models with their answers, the demo's models, and the benchmarks'.

use std::fs;
use std::path::{Path, PathBuf};

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

/// `target/monitor`, made by `monitor/goldens.py`.
pub fn for_monitor(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    made_by(workspace, python, "monitor/goldens.py", "monitor")
}

/// `target/bench-models`, made by `benches/models.py`.
pub fn for_benchmarks(workspace: &Workspace, python: &Python) -> Result<PathBuf> {
    made_by(workspace, python, "benches/models.py", "bench-models")
}

/// Runs a script on an empty folder of the target folder, unless that was done with the same scripts and packages.
fn made_by(workspace: &Workspace, python: &Python, script: &str, name: &str) -> Result<PathBuf> {
    let folder = workspace.target.join(name);
    let python_folder = workspace.root.join("python");
    let sources = sources_of(&python_folder, script)?;
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

/// What the making depends on: scripts and pinned packages, of those that the script's environment is for.
fn sources_of(python: &Path, script: &str) -> Result<Vec<PathBuf>> {
    let folder = if script.starts_with("monitor") { python.join("monitor") } else { python.to_path_buf() };
    let is_of_others = |source: &PathBuf| {
        let is_in = |other: &str| source.starts_with(python.join(other)) && !script.starts_with(other);
        is_in("clients") || is_in("monitor") || is_in("benches")
    };
    let mut sources = files_below(&folder, "py")?;
    sources.retain(|source| !is_of_others(source));
    sources.push(folder.join("requirements.txt"));
    Ok(sources)
}
