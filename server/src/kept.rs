//! Files that save time after a restart: JSON, and on a line of its own the digest of that.

use serde::Serialize;
use serde::de::DeserializeOwned;
use servoir_types::Digest;
use std::io::{self, Write as _};
use std::path::Path;

/// What a file holds. One that does not fit its digest is damaged, and is as none. Blocking.
pub fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    let text = std::fs::read_to_string(file).ok()?;
    let (kept, digest) = text.trim_end().rsplit_once('\n')?;
    if Digest::of(kept.as_bytes()).to_hex() != digest {
        return None;
    }
    serde_json::from_str(kept).ok()
}

/// Writes a file whole or not at all, in the place of whatever is there. Blocking.
///
/// # Errors
/// When it cannot be written.
pub fn write<T: Serialize>(file: &Path, kept: &T) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    if file.is_dir() {
        std::fs::remove_dir_all(file)?;
    }
    let kept = serde_json::to_string(kept)?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(written, "{kept}\n{}", Digest::of(kept.as_bytes()).to_hex())?;
    written.persist(file)?;
    Ok(())
}
