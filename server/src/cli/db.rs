//! `servoir db`: looking after the database.

use super::failure::Failure;
use super::flags::ServerFlags;
use super::output;
use crate::config::Config;
use crate::serve::{make_data_dir, registry_options};
use clap::Subcommand;
use servoir_registry::Registry;
use std::path::{Path, PathBuf};

/// Commands of `servoir db`.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Bring the configured database to this release's schema; `serve` does it too, at its start
    Migrate(ServerFlags),
}

impl Db {
    /// Migrates the configured database; one that does not exist is made.
    pub async fn run(self) -> Result<(), Failure> {
        let Self::Migrate(flags) = self;
        let config = flags.load()?.config;
        make_data_dir(&config)?;
        Registry::migrate(&registry_options(&config)).await.map_err(anyhow::Error::from)?;
        output::result("the database has this release's schema\n")
    }
}

/// The file of a SQLite database; `None` for a database server.
pub fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.expose().strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}

/// Refuses when the configured database is a file that does not exist, which opening would make.
///
/// # Errors
/// The file that is not there.
pub fn require_database(config: &Config) -> Result<(), Failure> {
    match sqlite_file(config) {
        Some(file) if !Path::new(&file).is_file() => Err(Failure::failed(format!(
            "there is no database '{}'; --data-dir or --database names another",
            file.display()
        ))),
        _ => Ok(()),
    }
}
