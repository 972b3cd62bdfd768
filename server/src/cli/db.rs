//! `servoir db`: looking after the database.

use super::failure::Failure;
use super::flags::ServerFlags;
use super::output;
use crate::config::Config;
use crate::serve::open_registry;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

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
        let registry = open_registry(&config).await?;
        registry.close().await;
        output::result("the database has this release's schema\n")
    }
}

/// The file of a SQLite database; `None` for a database server.
pub fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.expose().strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(path.split_once('?').map_or(path, |(path, _)| path)))
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

/// A folder of this command's own, in place of that of a server that may be running.
///
/// # Errors
/// When the system has no place for temporary files.
pub fn scratch() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("servoir-")
        .tempdir()
        .map_err(|error| Failure::failed(format!("cannot make a temporary folder: {error}")))
}
