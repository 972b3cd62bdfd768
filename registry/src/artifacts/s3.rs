//! S3-compatible stores.

use super::spool::blocking;
use crate::error::{RegistryError, Result};
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt as _, RetryConfig, WriteMultipart};
use servoir_types::Secret;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Smaller artifacts go in one request.
const PART_BYTES_MIN: u64 = 8 << 20;
/// The protocol allows 10,000 parts.
const PARTS_MAX: u64 = 9_000;
const PARTS_AT_ONCE: usize = 4;
const RETRIES_MAX: usize = 5;
const RETRY_SECONDS_MAX: u64 = 30;

/// The bucket and the prefix that `s3://BUCKET/PREFIX` names.
pub(super) fn split_url(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, prefix))
}

/// A client of `bucket`.
pub(super) fn open(bucket: &str, options: &[(String, Secret)]) -> Result<AmazonS3> {
    let retry = RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: Duration::from_secs(RETRY_SECONDS_MAX),
        ..RetryConfig::default()
    };
    let mut builder = AmazonS3Builder::new().with_retry(retry);
    for (key, value) in options {
        let key: AmazonS3ConfigKey =
            key.parse().map_err(|_| RegistryError::Store(format!("'{key}' is no setting of an S3 store")))?;
        builder = builder.with_config(key, value.expose());
    }
    builder.with_bucket_name(bucket).build().map_err(|error| RegistryError::store("opening the S3 store", error))
}

/// Puts a local file, in parts when it is large. The object appears whole or not at all.
pub(super) async fn put(store: &dyn ObjectStore, to: &ObjectPath, from: &Path, size_bytes: u64) -> Result<()> {
    let failed = |error| RegistryError::store("putting an artifact", error);
    let reading = |error| RegistryError::store("reading an upload", error);
    let path = from.to_owned();
    let mut file = blocking(move || File::open(path)).await.map_err(reading)?;
    let part_bytes = PART_BYTES_MIN.max(size_bytes / PARTS_MAX);
    let (first, rest) = read_part(file, part_bytes).await.map_err(reading)?;
    file = rest;
    if (first.len() as u64) < part_bytes {
        return store.put(to, first.into()).await.map(drop).map_err(failed);
    }
    let mut upload = WriteMultipart::new_with_chunk_size(
        store.put_multipart(to).await.map_err(failed)?,
        usize::try_from(part_bytes).unwrap_or(usize::MAX),
    );
    let mut part = first;
    let sent = loop {
        if part.is_empty() {
            break Ok(());
        }
        if let Err(error) = upload.wait_for_capacity(PARTS_AT_ONCE).await {
            break Err(failed(error));
        }
        upload.put(part);
        (part, file) = match read_part(file, part_bytes).await {
            Ok(next) => next,
            Err(error) => break Err(reading(error)),
        };
    };
    match sent {
        Ok(()) => upload.finish().await.map(drop).map_err(failed),
        Err(error) => {
            if let Err(abort) = upload.abort().await {
                tracing::warn!(error = %abort, "a multipart upload was not aborted; the bucket's lifecycle rule may");
            }
            Err(error)
        }
    }
}

async fn read_part(file: File, bytes: u64) -> std::io::Result<(Bytes, File)> {
    blocking(move || {
        let mut part = Vec::new();
        let mut file = file.take(bytes);
        file.read_to_end(&mut part)?;
        Ok((part.into(), file.into_inner()))
    })
    .await
}
