//! `servoir completions`: for shells.

use super::Cli;
use super::failure::Failure;
use super::output;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Flags of `servoir completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// Shell to print the script for
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "servoir", &mut script);
        output::result(&String::from_utf8_lossy(&script))
    }
}
