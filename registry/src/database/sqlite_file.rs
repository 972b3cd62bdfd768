//! Where a SQLite database lies, and the lock that keeps it to one server.

use crate::error::{RegistryError, Result};
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long a lock is waited for. A process that a killed server was about to start has it until it has begun, and a server that
/// is stopping until it has ended.
const LOCK_WITHIN: Duration = Duration::from_secs(10);
/// How often it is tried.
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// The file of a SQLite database.
pub(super) struct SqliteFile {
    path: PathBuf,
}

/// Which file it was when the database was opened: device and inode.
pub(super) struct OpenedFile {
    path: PathBuf,
    id: (u64, u64),
}

impl OpenedFile {
    /// Whether the file is still in its place. SQLite goes on with one that was moved or removed, and what it acknowledges then
    /// is lost to whoever opens the database next.
    ///
    /// # Errors
    /// When another or none is there.
    pub(super) fn check(&self) -> Result<()> {
        let moved = |what: &dyn std::fmt::Display| {
            RegistryError::Database(format!("'{}' is not the file that was opened: {what}", self.path.display()))
        };
        match file_id(&self.path) {
            Ok(id) if id == self.id => Ok(()),
            Ok(_) => Err(moved(&"another has taken its place")),
            Err(error) => Err(moved(&error)),
        }
    }
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl SqliteFile {
    /// The file that `sqlite:PATH` or `sqlite://PATH` names, taken as it stands; `None` for a PostgreSQL URL.
    pub(super) fn from_url(url: &str) -> Result<Option<Self>> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(None);
        }
        let path = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        match path {
            None => Err(RegistryError::Invalid { field: "database URL", reason: "is neither sqlite: nor postgres:" }),
            Some("" | ":memory:") => {
                Err(RegistryError::Invalid { field: "database URL", reason: "names no file; sqlite:PATH is expected" })
            }
            Some(path) => std::path::absolute(path)
                .map(|path| Some(Self { path }))
                .map_err(|error| RegistryError::Database(format!("the database's path: {error}"))),
        }
    }

    /// Makes the file when it is not there; says which it is.
    pub(super) fn create(&self) -> Result<OpenedFile> {
        let made = File::options().create(true).append(true).open(&self.path).and_then(|_| file_id(&self.path));
        let id =
            made.map_err(|error| RegistryError::Database(format!("opening '{}': {error}", self.path.display())))?;
        Ok(OpenedFile { path: self.path.clone(), id })
    }

    /// A URL for the file, which must be there: a connection made later does not make another.
    pub(super) fn url(&self) -> String {
        format!("sqlite://{}?mode=rw", self.encoded())
    }

    /// Takes the database for this process, making its folder when it is not there. The lock ends with the file handle,
    /// and with the process however it ends; another's is waited for for a moment.
    pub(super) async fn lock(&self) -> Result<File> {
        let failed = |error| RegistryError::Database(format!("opening '{}': {error}", self.path.display()));
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(name).map_err(failed)?;
        let end = Instant::now() + LOCK_WITHIN;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < end => tokio::time::sleep(LOCK_EVERY).await,
                Err(TryLockError::WouldBlock) => return Err(RegistryError::InUse(self.path.clone())),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// The path with the characters that mean something in a URL written as `%XX`; the driver decodes them.
    fn encoded(&self) -> String {
        let mut text = String::new();
        for byte in self.path.to_string_lossy().bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        text
    }
}
