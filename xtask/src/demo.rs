//! `cargo xtask demo`: from a fresh clone to a server that answers with real models.

use std::os::unix::process::CommandExt;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::process::{cargo, run, shown};
use crate::python::Python;
use crate::workspace::Workspace;
use crate::{fixtures, onnxruntime};

/// What can be asked of the demo.
#[derive(Args)]
pub struct DemoOptions {
    /// Passed to `servoir demo`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Prepares, builds, trains, and becomes the server.
pub fn run_server(workspace: &Workspace, options: &DemoOptions) -> Result<()> {
    let python = Python::ready(workspace)?;
    let library = onnxruntime::library(workspace, &python)?;
    let assets = fixtures::for_demo(workspace, &python)?;
    run(cargo(&workspace.root).args([
        "build",
        "--release",
        "--package",
        "servoir",
        "--bin",
        "servoir",
        "--locked",
    ]))?;
    let mut server = std::process::Command::new(workspace.target.join("release/servoir"));
    server
        .arg("demo")
        .arg("--assets")
        .arg(&assets)
        .arg("--onnxruntime")
        .arg(&library);
    server.args(&options.arguments).env("ORT_DYLIB_PATH", &library);
    eprintln!("$ {}", shown(&server));
    Err(anyhow!(server.exec()).context("could not start the server"))
}
