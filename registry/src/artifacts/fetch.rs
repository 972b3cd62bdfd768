//! Reading artifacts: as a stream for a client, or as a verified local file for an engine.

use super::spool::blocking;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::GetResultPayload;
use servoir_types::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

/// What is read from a local file in one go.
const BLOCK_BYTES: usize = 256 << 10;

/// An artifact's bytes going out.
pub struct ArtifactBytes {
    /// The whole artifact's length.
    pub size_bytes: u64,
    /// Which bytes these are.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Registry {
    /// The bytes of an artifact, or the part of `range` that it has.
    pub async fn read_artifact(&self, digest: Digest, range: Option<Range<u64>>) -> Result<ArtifactBytes> {
        let size_bytes = self.store().size_bytes(digest).await?;
        let wanted = range.unwrap_or(0..size_bytes);
        let range = wanted.start.min(size_bytes)..wanted.end.min(size_bytes);
        if range.is_empty() {
            return Ok(ArtifactBytes { size_bytes, range: range.start..range.start, stream: stream::empty().boxed() });
        }
        let found = self.store().get(digest, Some(range.clone())).await?;
        let stream = match found.payload {
            GetResultPayload::File(file, _) => file_stream(file, range.clone())
                .await
                .map_err(|error| RegistryError::store("reading an artifact", error))?,
            GetResultPayload::Stream(stream) => stream.map_err(io::Error::other).boxed(),
        };
        Ok(ArtifactBytes { size_bytes, range, stream })
    }

    /// A local file with the artifact's bytes, their digest checked now.
    pub async fn fetch_artifact(&self, digest: Digest) -> Result<PathBuf> {
        if let Some(path) = self.store().local_path(digest) {
            return match digest_of_file(&path).await {
                Ok(found) if found == digest => Ok(path),
                Ok(found) => Err(RegistryError::Corrupt { digest, found }),
                Err(error) => Err(RegistryError::store(&format!("reading the artifact {digest}"), error)),
            };
        }
        let cached = self.scratch().cached(digest);
        match digest_of_file(&cached).await {
            Ok(found) if found == digest => return Ok(cached),
            Ok(found) => tracing::warn!(%digest, %found, "the local copy of an artifact is damaged; fetching it again"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%digest, %error, "the local copy of an artifact cannot be read; fetching it again");
                remove(&cached).await.map_err(|error| RegistryError::disk("removing a damaged copy", error))?;
            }
        }
        let mut copy = self.scratch().begin(u64::MAX).await?;
        let mut bytes = self.store().get(digest, None).await?.into_stream();
        while let Some(block) =
            bytes.try_next().await.map_err(|error| RegistryError::store("fetching an artifact", error))?
        {
            copy.write(&block).await?;
        }
        let copy = copy.finish().await?;
        if copy.digest() != digest {
            return Err(RegistryError::Corrupt { digest, found: copy.digest() });
        }
        tokio::fs::rename(copy.path(), &cached)
            .await
            .map_err(|error| RegistryError::disk("keeping the local copy of an artifact", error))?;
        Ok(cached)
    }
}

/// Removes whatever is there.
async fn remove(path: &Path) -> io::Result<()> {
    match tokio::fs::symlink_metadata(path).await?.is_dir() {
        true => tokio::fs::remove_dir_all(path).await,
        false => tokio::fs::remove_file(path).await,
    }
}

async fn file_stream(mut file: File, range: Range<u64>) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
    let start = range.start;
    let file = blocking(move || file.seek(io::SeekFrom::Start(start)).map(|_| file)).await?;
    let part = tokio::fs::File::from_std(file).take(range.end - range.start);
    Ok(ReaderStream::with_capacity(part, BLOCK_BYTES).boxed())
}

async fn digest_of_file(path: &Path) -> io::Result<Digest> {
    let path = path.to_owned();
    blocking(move || {
        let mut file = File::open(path)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(Digest::from_bytes(hash.finalize().into())),
                read => hash.update(&block[..read]),
            }
        }
    })
    .await
}
