//! `servoir audit`: whether what is written down of the past is whole.

use super::failure::Failure;
use super::flags::ServerFlags;
use super::output;
use crate::serve::open_registry;
use clap::Subcommand;
use servoir_registry::AuditVerdict;

/// Commands of `servoir audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Walk the audit log's hash chain from the first entry to the last
    Verify(ServerFlags),
}

impl Audit {
    /// Walks the chain of the configured database.
    pub async fn run(self) -> Result<(), Failure> {
        let Self::Verify(flags) = self;
        let mut config = flags.load()?.config;
        super::db::require_database(&config)?;
        // A server may be at work in the data folder: what it has in its scratch folder is not touched.
        let scratch = super::db::scratch()?;
        config.data_dir = scratch.path().to_owned();
        let registry = open_registry(&config).await?;
        let verdict = registry.verify_audit().await.map_err(anyhow::Error::from)?;
        registry.close().await;
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
