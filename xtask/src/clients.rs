//! The clients of others that the suites and the benchmarks run against a server: Python's, perf_analyzer, h2load and curl.

use std::process::Command;

use anyhow::Result;

use crate::process::{install_packages, on_path, succeeds};
use crate::python::{CLIENTS, Python};
use crate::workspace::Workspace;

/// Programs, and the Debian packages that they come from.
const PROGRAMS: [(&str, &str); 2] = [("curl", "curl"), ("h2load", "nghttp2-client")];

/// Finds the Python packages and the programs, or installs them.
pub fn ready(workspace: &Workspace) -> Result<Python> {
    let python = Python::ready(workspace, &CLIENTS)?;
    programs()?;
    // The wheels for Linux alone bring perf_analyzer. Of the libraries that it is linked with, one is in no wheel.
    if cfg!(target_os = "linux") && !starts(&mut python.script(workspace, "clients/perf_analyzer.py")) {
        install_packages(&["libb64-0d"], "libb64, which perf_analyzer is linked with,")?;
    }
    Ok(python)
}

/// Finds the programs, or installs them.
pub fn programs() -> Result<()> {
    PROGRAMS.iter().try_for_each(|(name, package)| program(name, package))
}

/// Finds a program, or installs it.
pub fn program(name: &str, package: &str) -> Result<()> {
    if on_path(name).is_none() {
        install_packages(&[package], name)?;
    }
    Ok(())
}

fn starts(program: &mut Command) -> bool {
    succeeds(program.arg("--version"))
}
