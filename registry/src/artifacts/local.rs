//! Putting an artifact into a local folder so that it survives a power cut, without copying it where it can have two names.

use super::spool::blocking;
use servoir_types::{Digest, random_token};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Artifacts lie here until they are whole and have their place.
const INCOMING: &str = "incoming";
const INCOMING_NAME_CHARS: usize = 24;

/// Makes the folders, and removes copies that a killed server left half-done.
pub(super) fn prepare(root: &Path) -> io::Result<()> {
    let incoming = root.join(INCOMING);
    if incoming.exists() {
        fs::remove_dir_all(&incoming)?;
    }
    fs::create_dir_all(&incoming)?;
    fs::create_dir_all(artifacts(root))?;
    sync_folder(root)
}

/// The folder that artifacts lie in.
pub(super) fn artifacts(root: &Path) -> PathBuf {
    root.join("sha256")
}

/// Puts `spool` in the artifact's place: its bytes are on the disk before its name is, and its name before this ends. It keeps its
/// own name, so that a publish that came to nothing can be tried again. One that has none any more was put before.
pub(super) async fn place(root: PathBuf, spool: PathBuf, digest: Digest) -> io::Result<()> {
    blocking(move || {
        let hex = digest.to_hex();
        let artifacts = artifacts(&root);
        let folder = artifacts.join(&hex[..2]);
        let kept = folder.join(&hex);
        let file = match File::open(&spool) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && kept.exists() => return Ok(()),
            file => file?,
        };
        // Folders above it are never made here: a store whose folder is not there, such as a file system that is not
        // mounted, is away, and what is kept in its place is lost when it comes back.
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        file.sync_all()?;
        let incoming = root.join(INCOMING).join(random_token(INCOMING_NAME_CHARS));
        // It is on another file system, or on one where a file has one name.
        if fs::hard_link(&spool, &incoming).is_err() {
            fs::copy(&spool, &incoming)?;
            File::open(&incoming)?.sync_all()?;
        }
        fs::rename(&incoming, &kept)?;
        // Where the same file is already, renaming does nothing (rename(2)).
        match fs::remove_file(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync_folder(&folder)?;
        sync_folder(&artifacts)
    })
    .await
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
