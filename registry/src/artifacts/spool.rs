//! The scratch folder: uploads under way and copies of remote artifacts.

use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use servoir_types::{Digest, random_token};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What is hashed and written in one go, away from the async threads.
const BLOCK_BYTES: usize = 1 << 20;
const SPOOL_NAME_CHARS: usize = 24;

/// The scratch folder of this server.
#[derive(Debug, Clone)]
pub(crate) struct Scratch {
    uploads: PathBuf,
    cache: PathBuf,
}

impl Scratch {
    /// Makes the folders.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let scratch = Self { uploads: folder.join("uploads"), cache: folder.join("cache") };
        for folder in [&scratch.uploads, &scratch.cache] {
            fs::create_dir_all(folder)
                .map_err(|error| RegistryError::store(&format!("making '{}'", folder.display()), error))?;
        }
        Ok(scratch)
    }

    /// Where a copy of a remote artifact lies, or would.
    pub(crate) fn cached(&self, digest: Digest) -> PathBuf {
        self.cache.join(digest.to_hex())
    }

    /// Begins a file of at most `limit_bytes` that only this user can read.
    pub(crate) async fn begin(&self, limit_bytes: u64) -> Result<Upload> {
        let path = self.uploads.join(random_token(SPOOL_NAME_CHARS));
        // The file belongs to somebody from its first moment on: a caller that has gone meanwhile gets none.
        let begun = blocking(move || {
            let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
            Ok((Spool { path }, file))
        });
        let (spool, file) = begun.await.map_err(|error| RegistryError::disk("beginning an upload", error))?;
        let sink = Sink { file, hash: Sha256::new() };
        Ok(Upload { spool, sink: Some(sink), pending: Vec::new(), size_bytes: 0, limit_bytes })
    }

    /// Removes uploads that were last written at least `age` ago: what a killed server left.
    pub(crate) fn sweep(&self, age: Duration) -> io::Result<u64> {
        let mut swept = 0;
        for entry in fs::read_dir(&self.uploads)? {
            let entry = entry?;
            let written = entry.metadata()?.modified()?;
            if SystemTime::now().duration_since(written).unwrap_or_default() >= age {
                fs::remove_file(entry.path())?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// A file in the scratch folder that goes when this does. Unlinking is one short system call, so it is done in place.
#[derive(Debug)]
struct Spool {
    path: PathBuf,
}

impl Spool {
    fn unlink(&self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %self.path.display(), "an upload's file was not removed");
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.unlink();
    }
}

struct Sink {
    file: File,
    hash: Sha256,
}

/// An upload under way: bytes go to a file in the scratch folder and through SHA-256. Dropped unfinished, it leaves
/// nothing.
pub struct Upload {
    spool: Spool,
    /// Away while a block is being written; stays away when that fails or its caller goes.
    sink: Option<Sink>,
    pending: Vec<u8>,
    size_bytes: u64,
    limit_bytes: u64,
}

impl Upload {
    /// Takes the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size_bytes = self.size_bytes.saturating_add(bytes.len() as u64);
        if self.size_bytes > self.limit_bytes {
            return Err(RegistryError::TooLarge { limit_bytes: self.limit_bytes });
        }
        let mut rest = bytes;
        while self.pending.len() + rest.len() >= BLOCK_BYTES {
            let (block, after) = rest.split_at(BLOCK_BYTES - self.pending.len());
            self.pending.extend_from_slice(block);
            rest = after;
            self.flush().await?;
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// No more bytes: what came is whole.
    pub async fn finish(mut self) -> Result<StagedArtifact> {
        if self.size_bytes > self.limit_bytes {
            return Err(RegistryError::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.flush().await?;
        let sink = self.sink.take().ok_or_else(interrupted)?;
        let digest = Digest::from_bytes(sink.hash.finalize().into());
        Ok(StagedArtifact { spool: self.spool, digest, size_bytes: self.size_bytes })
    }

    async fn flush(&mut self) -> Result<()> {
        let mut sink = self.sink.take().ok_or_else(interrupted)?;
        let mut block = std::mem::take(&mut self.pending);
        let (sink, block) = blocking(move || {
            sink.file.write_all(&block)?;
            sink.hash.update(&block);
            block.clear();
            Ok((sink, block))
        })
        .await
        .map_err(|error| RegistryError::disk("writing an upload", error))?;
        (self.sink, self.pending) = (Some(sink), block);
        Ok(())
    }
}

fn interrupted() -> RegistryError {
    RegistryError::Store("an earlier write of this upload failed or was given up".into())
}

/// A whole artifact on the local disk that is not yet published. Dropped, it is removed.
pub struct StagedArtifact {
    spool: Spool,
    digest: Digest,
    size_bytes: u64,
}

impl StagedArtifact {
    /// Where it lies, for inspection.
    pub fn path(&self) -> &Path {
        &self.spool.path
    }

    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its length.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Removes its file, before it is dropped: the store has it.
    pub(crate) fn unlink(&self) {
        self.spool.unlink();
    }
}

impl Registry {
    /// Begins an upload of at most `limit_bytes`.
    pub async fn begin_upload(&self, limit_bytes: u64) -> Result<Upload> {
        self.scratch().begin(limit_bytes).await
    }
}

/// Runs file work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_caller_that_goes_before_its_file_is_made_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(folder.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let _inside = runtime.enter();
        // The one thread that may block is held, so that what comes next waits for it.
        let (go_on, held) = mpsc::channel::<()>();
        let first = tokio::task::spawn_blocking(move || held.recv().is_ok());
        {
            let begun = pin!(scratch.begin(100));
            assert!(matches!(begun.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        }
        go_on.send(()).unwrap();
        assert!(runtime.block_on(first).unwrap());
        // What waited before this has been done when this has.
        let made = scratch.clone();
        let last = tokio::task::spawn_blocking(move || fs::read_dir(made.uploads).unwrap().count());
        assert_eq!(runtime.block_on(last).unwrap(), 0);
    }
}
