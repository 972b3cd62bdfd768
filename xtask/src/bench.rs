//! `cargo xtask bench`: what the release build costs to run, as ratios to bare hyper.

use anyhow::Result;

use crate::process::{cargo, run};
use crate::python::{ORACLES, Python};
use crate::workspace::Workspace;
use crate::{fixtures, onnxruntime};

/// Builds the release and runs the benchmarks on it.
pub fn run_benchmarks(workspace: &Workspace) -> Result<()> {
    let python = Python::ready(workspace, &ORACLES)?;
    let library = onnxruntime::library(workspace, &python)?;
    let fixtures = fixtures::for_tests(workspace, &python)?;
    let root = &workspace.root;
    run(cargo(root).args(["build", "--release", "--package", "servoir", "--bin", "servoir", "--locked"]))?;
    let mut benchmarks = cargo(root);
    benchmarks
        .args(["run", "--release", "--package", "servoir-benches", "--locked"])
        .env("ORT_DYLIB_PATH", library)
        .env("SERVOIR_TEST_FIXTURES", fixtures)
        .env("SERVOIR_TEST_BINARY", workspace.target.join("release/servoir"));
    run(&mut benchmarks)
}
