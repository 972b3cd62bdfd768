//! Where things are kept.

use servoir_types::Secret;
use std::path::PathBuf;

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: Secret,
    /// Connections that may be open.
    pub connections_max: u32,
    /// How long a query may wait for a connection before the database counts as away.
    pub acquire_timeout_seconds: u64,
    /// How long PostgreSQL may take for a statement before the database counts as away.
    pub statement_seconds_max: u64,
    /// `file:///DIR` or `s3://BUCKET/PREFIX`; S3 credentials, region and endpoint come in `s3`.
    pub artifacts_url: String,
    /// Key–value options for an S3-compatible store, as `object_store` names them (`aws_endpoint`, `aws_region`, …).
    pub s3: Vec<(String, Secret)>,
    /// URL prefixes that `artifactUri` may point into (`file:///DIR/` or `s3://BUCKET/PREFIX/`). Empty: none.
    pub import_sources: Vec<String>,
    /// Local folder for uploads under way and for copies of remote artifacts.
    pub scratch_dir: PathBuf,
    /// How old an artifact that no version refers to must be before it is swept away.
    pub sweep_grace_seconds: u64,
}
