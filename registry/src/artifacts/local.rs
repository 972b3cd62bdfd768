//! Putting an artifact into a local folder so that it survives a power cut, without copying it.

use super::spool::blocking;
use servoir_types::{Digest, random_token};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Copies from another file system lie here until they are whole.
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

/// Moves `spool` to the artifact's place: its bytes are on the disk before its name is, and its name before this ends.
pub(super) async fn place(root: PathBuf, spool: PathBuf, digest: Digest) -> io::Result<()> {
    blocking(move || {
        let hex = digest.to_hex();
        let artifacts = artifacts(&root);
        let folder = artifacts.join(&hex[..2]);
        // Folders above it are never made here: a store whose folder is not there, such as a file system that is not
        // mounted, is away, and what is kept in its place is lost when it comes back.
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        File::open(&spool)?.sync_all()?;
        match fs::rename(&spool, folder.join(&hex)) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let copy = root.join(INCOMING).join(random_token(INCOMING_NAME_CHARS));
                fs::copy(&spool, &copy)?;
                File::open(&copy)?.sync_all()?;
                fs::rename(&copy, folder.join(&hex))?;
            }
            other => other?,
        }
        sync_folder(&folder)?;
        sync_folder(&artifacts)
    })
    .await
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
