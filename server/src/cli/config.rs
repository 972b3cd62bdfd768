//! `servoir config`: what the server would run with.

use super::failure::Failure;
use super::flags::ServerFlags;
use super::output::{self, Format};
use crate::config::settings;
use clap::Subcommand;

/// Commands of `servoir config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every setting in force with its origin; secrets are redacted
    Print(Print),
    /// Say everything that is wrong with the configuration
    Check(ServerFlags),
    /// Describe every setting there is, as a Markdown table
    Reference,
}

/// Flags of `servoir config print`.
#[derive(Debug, clap::Args)]
pub struct Print {
    #[command(flatten)]
    flags: ServerFlags,
    /// Form of the result; `table` is a TOML file
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORM")]
    output: Format,
}

impl ConfigCommand {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Print(print) => {
                let loaded = print.flags.load()?;
                match print.output {
                    Format::Json => output::json(&loaded.to_json()),
                    Format::Table => output::result(&loaded.to_toml()),
                }
            }
            Self::Check(flags) => {
                flags.load()?;
                output::result("the configuration is valid\n")
            }
            Self::Reference => output::result(&settings::reference()),
        }
    }
}
