//! `servoir audit`: whether what is written down of the past is whole.

use super::db::require_database;
use super::failure::Failure;
use super::flags::ServerFlags;
use super::output;
use crate::serve::registry_options;
use clap::Subcommand;
use servoir_registry::{AuditVerdict, Registry};

/// Commands of `servoir audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the audit log's hash chain from the first entry to the last, beside a server that may be running
    Verify(ServerFlags),
}

impl Audit {
    /// Walks the chain of the configured database.
    pub async fn run(self) -> Result<(), Failure> {
        let Self::Verify(flags) = self;
        let config = flags.load()?.config;
        require_database(&config)?;
        let verdict = Registry::inspect_audit(&registry_options(&config)).await.map_err(anyhow::Error::from)?;
        match verdict {
            AuditVerdict::Intact { entries } => {
                output::result(&format!("intact: {entries} entries, none altered, removed or reordered\n"))
            }
            AuditVerdict::Broken { sequence, reason } => {
                Err(Failure::failed(format!("the audit log is broken at entry {sequence}: {reason}")))
            }
        }
    }
}
