//! The store that artifacts lie in.

use super::{StagedArtifact, local, s3};
use crate::error::{RegistryError, Result};
use crate::latency::Latency;
use crate::options::Options;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{GetOptions, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt as _};
use servoir_types::Digest;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const PING_SECONDS_MAX: u64 = 5;

/// Local files or an S3-compatible bucket. Both are read through one client; they differ in how an artifact gets in.
pub(crate) struct ArtifactStore {
    objects: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    local: Option<PathBuf>,
    latency: Latency,
}

impl ArtifactStore {
    /// Opens what `artifacts_url` names; a local folder is made when it is not there.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let url = &options.artifacts_url;
        if let Some(path) = url.strip_prefix("file://") {
            return Self::open_local(Path::new(path));
        }
        let Some((bucket, prefix)) = s3::split_url(url) else {
            return Err(RegistryError::Store(format!("'{url}' is neither file:///DIR nor s3://BUCKET/PREFIX")));
        };
        let prefix = ObjectPath::parse(prefix.trim_end_matches('/'))
            .map_err(|error| RegistryError::store("the artifact store's prefix", error))?;
        let objects = Arc::new(s3::open(bucket, &options.s3)?);
        Ok(Self { objects, prefix, local: None, latency: Latency::of_store()? })
    }

    fn open_local(root: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            RegistryError::store(&format!("opening the folder '{}'", root.display()), error)
        };
        if !root.is_absolute() {
            return Err(failed(&"file:// is followed by an absolute path"));
        }
        std::fs::create_dir_all(root).map_err(|error| failed(&error))?;
        local::prepare(root).map_err(|error| failed(&error))?;
        let objects = LocalFileSystem::new_with_prefix(root).map_err(|error| failed(&error))?;
        let (objects, latency) = (Arc::new(objects), Latency::of_store()?);
        Ok(Self { objects, prefix: ObjectPath::default(), local: Some(root.to_owned()), latency })
    }

    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    fn path(&self, digest: Digest) -> ObjectPath {
        let hex = digest.to_hex();
        self.prefix.clone().join("sha256").join(&hex[..2]).join(hex.as_str())
    }

    /// The file that an artifact lies in, when the store is a local folder.
    pub(crate) fn local_path(&self, digest: Digest) -> Option<PathBuf> {
        let hex = digest.to_hex();
        self.local.as_ref().map(|root| root.join("sha256").join(&hex[..2]).join(&hex))
    }

    /// Keeps an artifact. When this ends well its bytes are durable. A local artifact that is there already is replaced,
    /// which mends one that was damaged; a remote one of the same length is left.
    pub(crate) async fn put(&self, artifact: &StagedArtifact) -> Result<()> {
        let _time = self.latency.start("put");
        if let Some(root) = &self.local {
            return local::place(root.clone(), artifact.path().to_owned(), artifact.digest())
                .await
                .map_err(|error| RegistryError::disk("keeping an artifact", error));
        }
        let path = self.path(artifact.digest());
        match self.objects.head(&path).await {
            Ok(there) if there.size == artifact.size_bytes() => Ok(()),
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {
                s3::put(self.objects.as_ref(), &path, artifact.path(), artifact.size_bytes()).await
            }
            Err(error) => Err(RegistryError::store("looking for an artifact", error)),
        }
    }

    /// An artifact's length in bytes.
    pub(crate) async fn size_bytes(&self, digest: Digest) -> Result<u64> {
        let _time = self.latency.start("size");
        let meta = self.objects.head(&self.path(digest)).await.map_err(|error| missing_or(digest, error))?;
        Ok(meta.size)
    }

    /// A part of an artifact, not empty, or all of it.
    pub(crate) async fn get(&self, digest: Digest, range: Option<Range<u64>>) -> Result<GetResult> {
        let _time = self.latency.start("get");
        let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
        self.objects.get_opts(&self.path(digest), options).await.map_err(|error| missing_or(digest, error))
    }

    /// Removes an artifact; one that is not there is as good as removed.
    pub(crate) async fn delete(&self, digest: Digest) -> Result<()> {
        let _time = self.latency.start("delete");
        match self.objects.delete(&self.path(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(RegistryError::store("removing an artifact", error)),
        }
    }

    /// Everything that lies where artifacts do.
    pub(crate) fn list(&self) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects
            .list(Some(&self.prefix.clone().join("sha256")))
            .map(|object| object.map_err(|error| RegistryError::store("listing artifacts", error)))
            .boxed()
    }

    /// Answers when the store does, or fails at the time limit.
    pub(crate) async fn ping(&self) -> Result<()> {
        let _time = self.latency.start("ping");
        if let Some(root) = &self.local {
            let found = tokio::fs::metadata(local::artifacts(root)).await;
            let found = found.map_err(|error| RegistryError::store("looking at the folder", error))?;
            return if found.is_dir() { Ok(()) } else { Err(RegistryError::Store("its folder is a file".into())) };
        }
        let probe = self.path(Digest::from_bytes([0; 32]));
        let answer = tokio::time::timeout(Duration::from_secs(PING_SECONDS_MAX), self.objects.head(&probe)).await;
        match answer {
            Ok(Ok(_) | Err(object_store::Error::NotFound { .. })) => Ok(()),
            Ok(Err(error)) => Err(RegistryError::store("asking the store", error)),
            Err(_) => Err(RegistryError::Store(format!("no answer within {PING_SECONDS_MAX} s"))),
        }
    }
}

fn missing_or(digest: Digest, error: object_store::Error) -> RegistryError {
    match error {
        object_store::Error::NotFound { .. } => RegistryError::Store(format!("the artifact {digest} is missing")),
        error => RegistryError::store(&format!("reading the artifact {digest}"), error),
    }
}
