//! `cargo xtask test`: every check and every test, the quick ones first.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::postgres::Cluster;
use crate::process::{cargo, on_path, run, succeeds};
use crate::setup::Prepared;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{cargo_deny, skips, tidy};

/// What can be asked of a test run.
#[derive(Args)]
pub struct TestOptions {
    /// Runs the tests alone: no formatting, lints, dependency checks or documentation
    #[arg(long)]
    skip_checks: bool,
    /// Passed to the test runner (`cargo nextest run` where it is installed, else `cargo test`)
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs it all; stops at the first failure.
fn every_step(workspace: &Workspace, options: &TestOptions, steps: &mut Steps) -> Result<()> {
    let root = &workspace.root;
    if !options.skip_checks {
        steps.step("tidy", || tidy::run(workspace))?;
        steps.step("format", || run(cargo(root).args(["fmt", "--all", "--check"])))?;
    }
    let prepared = steps.step("setup", || Prepared::ready(workspace))?;
    if !options.skip_checks {
        let deny = steps.step("setup cargo-deny", || cargo_deny::ready(workspace))?;
        steps.step("dependencies", || cargo_deny::check(&deny, root))?;
        steps.step("lints", || run(&mut lints(root)))?;
        steps.step("optional features", || run(&mut optional_features(root)))?;
    }
    steps.step("build", || run(&mut build(root)))?;
    let postgres = steps.step("start PostgreSQL", || Cluster::start(workspace))?;
    let skipped = skips::folder(workspace)?;
    let mut tests = tests(workspace);
    tests.args(&options.arguments).env("SERVOIR_TEST_SKIPS", &skipped);
    steps.step("tests", || run(prepared.tell(&mut tests, &postgres)))?;
    if !options.skip_checks {
        steps.step("documentation tests", || run(prepared.tell(&mut documentation_tests(root), &postgres)))?;
        steps.step("documentation", || run(&mut documentation(root)))?;
    }
    // What was not run is said where everybody looks: at the end.
    eprint!("{}", skips::told(&skipped)?);
    Ok(())
}

/// The command: all steps, their times and how it went.
pub fn run_timed(workspace: &Workspace, options: &TestOptions) -> Result<()> {
    let mut steps = Steps::begin();
    every_step(workspace, options, &mut steps)?;
    steps.end();
    Ok(())
}

fn lints(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    command
}

/// What no other step builds: tract on a GPU.
fn optional_features(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args([
        "clippy",
        "--package",
        "servoir-runtime",
        "--features",
        "tract-cuda",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]);
    command
}

/// Everything that the tests are made of, and the binary that some of them start.
fn build(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["build", "--workspace", "--all-targets", "--locked"]);
    command
}

/// What tells programs to reach others through a proxy, in both ways of writing it. Tests talk to servers of their own.
const PROXIES: [&str; 3] = ["http_proxy", "https_proxy", "all_proxy"];

fn tests(workspace: &Workspace) -> Command {
    let mut command = cargo(&workspace.root);
    for name in PROXIES {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.env("SERVOIR_TEST_BINARY", workspace.target.join("debug/servoir"));
    if has_nextest() {
        command.args(["nextest", "run", "--workspace", "--locked"]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--locked"]);
    }
    command
}

fn has_nextest() -> bool {
    on_path("cargo-nextest").is_some_and(|program| succeeds(Command::new(program).args(["nextest", "--version"])))
}

fn documentation_tests(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["test", "--workspace", "--doc", "--locked"]);
    command
}

fn documentation(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    command
}
