//! The command line: one file per group of commands. Results go to standard output, everything else to standard error.

mod answer;
mod audit;
mod client;
mod completions;
mod config;
mod db;
mod demo;
mod deploy;
mod doctor;
mod drift;
mod failure;
mod flags;
mod key;
mod models;
mod onnxruntime;
mod output;
mod pages;
mod predict;
mod preflight;
mod push;
mod serve;
mod session;
mod status;
mod studio_worker;
mod table;
mod train;
mod wait;
mod watch;

pub use client::{Client, ClientError};
pub use failure::{Exit, Failure};
pub use onnxruntime::{Outcome, Search};

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A model server with a registry built in.
#[derive(Debug, Parser)]
#[command(name = "servoir", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Client commands read SERVOIR_URL, SERVOIR_API_KEY and SERVOIR_CA.\n\
    Exit codes: 0 done, 1 failed, 2 usage, 3 unauthorized, 4 not found, 5 conflict.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// See it work: register, deploy, predict and swap real models on this machine
    Demo(demo::Demo),
    /// Upload a model file as a new version, and deploy it if asked
    Push(push::Push),
    /// List the models
    Models(models::Models),
    /// List a model's versions
    Versions(models::Versions),
    /// Learn a model from a file of rows, and say how it goes
    Train(train::Train),
    /// Make a version of a model answer predictions
    Deploy(deploy::Deploy),
    /// Take a model out of service
    Undeploy(deploy::Undeploy),
    /// Go back to the version that was live before
    Rollback(deploy::Rollback),
    /// Ask a model
    Predict(predict::Predict),
    /// Show what is live and how it is doing
    Status(status::Status),
    /// Watch a model's traffic, a line for each second
    Watch(watch::Watch),
    /// Show how what a model is asked differs from its baseline
    Drift(drift::Drift),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Key),
    /// Check the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look after the database
    #[command(subcommand)]
    Db(db::Db),
    /// Show or check the server's configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Say what works on this machine, what does not, and what to do about it
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Train a model: the child process of a run, which reads its job from standard input
    #[command(hide = true)]
    StudioWorker,
    /// Open a model file and run it once, under limits: the child process of a load, which reads its job from standard input
    #[command(hide = true)]
    Preflight,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// What is to be said on standard error, with the exit code.
    fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(command) => command.run(),
            Command::Demo(command) => command.run(),
            Command::Push(command) => wait::block_on(command.run()),
            Command::Models(command) => wait::block_on(command.run()),
            Command::Versions(command) => wait::block_on(command.run()),
            Command::Train(command) => wait::block_on(command.run()),
            Command::Deploy(command) => wait::block_on(command.run()),
            Command::Undeploy(command) => wait::block_on(command.run()),
            Command::Rollback(command) => wait::block_on(command.run()),
            Command::Predict(command) => wait::block_on(command.run()),
            Command::Status(command) => wait::block_on(command.run()),
            Command::Watch(command) => wait::block_on(command.run()),
            Command::Drift(command) => wait::block_on(command.run()),
            Command::Key(command) => wait::block_on(command.run()),
            Command::Audit(command) => wait::block_on(command.run()),
            Command::Db(command) => wait::block_on(command.run()),
            Command::Config(command) => command.run(),
            Command::Doctor(command) => wait::block_on(command.run()),
            Command::Completions(command) => command.run(),
            Command::StudioWorker => studio_worker::run(),
            Command::Preflight => preflight::run(),
        }
    }
}

/// Reads the command line of this process and does what it says.
pub fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::SETTINGS;
    use clap::CommandFactory as _;
    use std::collections::BTreeSet;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_flags_of_serve_are_those_of_the_settings_table() {
        let mut cli = Cli::command();
        cli.build();
        let serve = cli.find_subcommand("serve").unwrap();
        let flags: BTreeSet<_> = serve.get_arguments().filter_map(|a| a.get_long()).map(|f| format!("--{f}")).collect();
        let other = ["--config", "--help"].map(String::from);
        let settings = SETTINGS.iter().filter_map(|setting| setting.flag).map(String::from);
        assert_eq!(flags, settings.chain(other).collect());
    }
}
