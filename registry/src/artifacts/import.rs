//! Artifacts that lie somewhere already: `artifactUri` of a new version.
//!
//! An operator lists the places that may be imported from. Paths are compared after every symbolic link is resolved and
//! by whole segments, so that neither a link nor `..` nor `/data/models-private` beside `/data/models` leads out.

use super::{StagedArtifact, Upload, s3, spool::blocking};
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path as ObjectPath;
use servoir_types::{Digest, Secret};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tokio_util::io::ReaderStream;

const BLOCK_BYTES: usize = 256 << 10;
/// What a version's public URI begins with.
const OWN: &str = "servoir://sha256/";

/// Where imports may come from.
pub(crate) struct Imports {
    pub(crate) sources: Vec<String>,
    pub(crate) s3: Vec<(String, Secret)>,
}

type Incoming = BoxStream<'static, io::Result<Bytes>>;

impl Registry {
    /// Copies an artifact of at most `limit_bytes` from an allowed store to the scratch folder. `servoir://sha256/<hex>`
    /// stands for an artifact that a version of the same organization has already.
    ///
    /// A `file://` URI is taken as it stands: `%20` in it is not a space.
    pub async fn import(&self, organization: &str, uri: &str, limit_bytes: u64) -> Result<StagedArtifact> {
        let bytes = if let Some(hex) = uri.strip_prefix(OWN) {
            self.own(organization, uri, hex).await?
        } else if let Some(path) = uri.strip_prefix("file://") {
            self.imports().file(uri, path).await?
        } else if let Some((bucket, key)) = s3::split_url(uri) {
            self.imports().object(uri, bucket, key, limit_bytes).await?
        } else {
            return Err(refused(uri, "it begins with neither file://, s3:// nor servoir://sha256/"));
        };
        copy(bytes, self.begin_upload(limit_bytes).await?, uri).await
    }

    /// An artifact of this registry, when the organization has a version with it.
    async fn own(&self, organization: &str, uri: &str, hex: &str) -> Result<Incoming> {
        let digest: Digest = hex.parse().map_err(|_| refused(uri, "its digest is not 64 hexadecimal digits"))?;
        let known = sqlx::query(
            "select v.version from versions v join models m on m.id = v.model \
             where v.digest = $1 and m.organization = $2 limit 1",
        )
        .bind(digest.to_hex())
        .bind(organization)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        if known.is_none() {
            return Err(refused(uri, "no version has this artifact"));
        }
        Ok(self.read_artifact(digest, None).await?.stream)
    }
}

impl Imports {
    async fn file(&self, uri: &str, path: &str) -> Result<Incoming> {
        let path = PathBuf::from(path);
        if !path.is_absolute() || path.components().any(|part| part == std::path::Component::ParentDir) {
            return Err(refused(uri, "the path is not absolute, or contains '..'"));
        }
        let roots: Vec<_> = self.sources.iter().filter_map(|source| source.strip_prefix("file://")).collect();
        // Before the file system is asked, so that answers do not tell what exists elsewhere.
        if !roots.iter().any(|root| path.starts_with(root)) {
            return Err(refused(uri, NOT_ALLOWED));
        }
        let roots: Vec<PathBuf> = roots.into_iter().map(PathBuf::from).collect();
        let opened = blocking(move || open_below(&roots, &path)).await;
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => refused(uri, "there is no such file"),
            io::ErrorKind::PermissionDenied => refused(uri, NOT_ALLOWED),
            _ => refused(uri, "it is not a file that can be read"),
        })?;
        Ok(ReaderStream::with_capacity(tokio::fs::File::from_std(file), BLOCK_BYTES).boxed())
    }

    async fn object(&self, uri: &str, bucket: &str, key: &str, limit_bytes: u64) -> Result<Incoming> {
        if key.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(refused(uri, "its key has an empty, '.' or '..' segment"));
        }
        let allowed = |source: &String| {
            source.starts_with("s3://") && uri.starts_with(&format!("{}/", source.trim_end_matches('/')))
        };
        if !self.sources.iter().any(allowed) {
            return Err(refused(uri, NOT_ALLOWED));
        }
        let key = ObjectPath::parse(key).map_err(|_| refused(uri, "its key is not a valid one"))?;
        let found = s3::open(bucket, &self.s3)?.get(&key).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => refused(uri, "there is no such object"),
            error => RegistryError::store("importing an artifact", error),
        })?;
        if found.meta.size > limit_bytes {
            return Err(RegistryError::TooLarge { limit_bytes });
        }
        Ok(found.into_stream().map_err(io::Error::other).boxed())
    }
}

const NOT_ALLOWED: &str = "it is not below a place that imports are allowed from";

fn refused(uri: &str, reason: &str) -> RegistryError {
    RegistryError::SourceRefused { uri: uri.to_owned(), reason: reason.to_owned() }
}

/// Opens a regular file whose real path lies below the real path of a root. Other kinds of file are refused before they
/// are opened: opening a named pipe waits for its other end.
fn open_below(roots: &[PathBuf], path: &Path) -> io::Result<File> {
    let real = path.canonicalize()?;
    let below = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if !roots.iter().any(below) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if !real.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    File::open(&real)
}

async fn copy(mut bytes: Incoming, mut upload: Upload, uri: &str) -> Result<StagedArtifact> {
    while let Some(block) =
        bytes.try_next().await.map_err(|error| RegistryError::store(&format!("reading '{uri}'"), error))?
    {
        upload.write(&block).await?;
    }
    upload.finish().await
}
