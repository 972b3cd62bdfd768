//! cargo-deny, which holds the dependencies to `deny.toml`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Built where there is none. The wheels that pip knows are of 0.14, which cannot read what today's cargo says.
const VERSION: &str = "0.20.2";

/// What can be checked without a network. Advisories need their database, which is fetched.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];

/// The program: the developer's own, or one built once in the target folder.
pub fn ready(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(program) = process::on_path("cargo-deny") {
        return Ok(program);
    }
    let tools = workspace.target.join(format!("cargo-deny-{VERSION}"));
    let program = tools.join("bin/cargo-deny");
    if !program.exists() {
        eprintln!("cargo-deny is missing: building it in {} (some minutes, once)", tools.display());
        process::run(&mut install(workspace, &tools))?;
    }
    Ok(program)
}

/// Without optimisation and debug information: it runs for seconds, and is built on the day somebody first clones.
fn install(workspace: &Workspace, tools: &Path) -> Command {
    let mut command = process::cargo(&workspace.root);
    command.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--debug", "--quiet", "--root"]);
    command.arg(tools).env("CARGO_TARGET_DIR", tools.join("build")).env("CARGO_PROFILE_DEV_DEBUG", "0");
    command
}

/// Checks every dependency of every feature.
pub fn check(program: &Path, root: &Path) -> Result<()> {
    let mut command = Command::new(program);
    process::run(command.current_dir(root).args(["--locked", "check", "--hide-inclusion-graph"]).args(CHECKS))
}
