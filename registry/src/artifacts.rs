//! Artifacts: the bytes of versions, kept under their SHA-256 digest in local files or an S3-compatible store.
//!
//! An artifact lies at `sha256/<first two digits>/<64 digits>` and never changes. Which artifacts there are is for the
//! database to say ([`references`]); the store holds bytes.

mod fetch;
mod import;
mod local;
pub(crate) mod references;
mod s3;
mod spool;
mod store;
mod sweep;

pub use fetch::ArtifactBytes;
pub(crate) use import::Imports;
pub(crate) use spool::Scratch;
pub use spool::{StagedArtifact, Upload};
pub(crate) use store::ArtifactStore;
