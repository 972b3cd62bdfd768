//! `cargo xtask demo`: from a fresh clone to a server that answers with real models.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::process::{cargo, run, shown};
use crate::python::{ORACLES, Python};
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
    let python = Python::ready(workspace, &ORACLES)?;
    let library = onnxruntime::library(workspace, &python)?;
    let assets = fixtures::for_demo(workspace, &python)?;
    run(cargo(&workspace.root).args(["build", "--release", "--package", "servoir", "--bin", "servoir", "--locked"]))?;
    let mut server = server(workspace, &assets, &library, &options.arguments);
    eprintln!("$ {}", shown(&server));
    Err(anyhow!(server.exec()).context("could not start the server"))
}

fn server(workspace: &Workspace, assets: &Path, library: &Path, arguments: &[String]) -> Command {
    let mut server = Command::new(workspace.target.join("release/servoir"));
    server.arg("demo").arg("--assets").arg(assets).arg("--onnxruntime").arg(library).args(arguments);
    server
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: DemoOptions,
    }

    #[test]
    fn what_follows_demo_reaches_the_server_as_it_is() {
        let workspace = Workspace { root: "/src".into(), target: "/src/target".into() };
        let rows: [(&[&str], &str); 3] = [
            (&[], ""),
            (&["--listen", "127.0.0.1:9000"], " --listen 127.0.0.1:9000"),
            (&["--keep", "a b"], " --keep 'a b'"),
        ];
        for (typed, want) in rows {
            let line = Line::try_parse_from([&["demo"], typed].concat()).unwrap();
            let command = server(&workspace, Path::new("/demo"), Path::new("/lib.so"), &line.options.arguments);
            let begins = "/src/target/release/servoir demo --assets /demo --onnxruntime /lib.so";
            assert_eq!(shown(&command), format!("{begins}{want}"));
        }
    }
}
