//! `cargo xtask`: the one door for developers. One file per command; what a command does, it tells as it does it.

mod bench;
mod cargo_deny;
mod clients;
mod demo;
mod fixtures;
mod fuzz;
mod nvrtc;
mod onnxruntime;
mod postgres;
mod process;
mod prometheus;
mod python;
mod setup;
mod skips;
mod stamp;
mod steps;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, demo, tests and tidiness of Servoir")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Prepares everything that the tests need, in the target folder; a second run finds it there
    Setup,
    /// Runs every check and every test
    Test(test::TestOptions),
    /// Trains the demo's models and starts Servoir with them
    Demo(demo::DemoOptions),
    /// Measures what a running server and its parts cost, against other things on the same machine
    Bench(bench::BenchOptions),
    /// Gives everything that reads strangers' bytes what libFuzzer thinks of, for ten minutes each
    Fuzz(fuzz::FuzzOptions),
    /// Checks the rules of the house: dependencies between crates, and the shape of the files
    Tidy,
}

fn main() -> ExitCode {
    let workspace = Workspace::of_this_build();
    let done = match Arguments::parse().command {
        Command::Setup => setup::run(&workspace),
        Command::Test(options) => test::run_timed(&workspace, &options),
        Command::Demo(options) => demo::run_server(&workspace, &options),
        Command::Bench(options) => bench::run_benchmarks(&workspace, &options),
        Command::Fuzz(options) => fuzz::run_targets(&workspace, &options),
        Command::Tidy => tidy::run(&workspace),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
