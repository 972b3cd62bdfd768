//! The words that every Servoir crate shares.
//!
//! Nothing here does I/O. Types are parsed at the door and cannot be wrong afterwards: a [`Name`] is a valid name, a
//! [`Digest`] is 32 bytes, a [`Tensor`]'s data has as many elements as its shape says.

mod datatype;
mod digest;
mod elements;
mod id;
mod kind;
mod name;
mod secret;
mod signature;
mod tensor;
mod timestamp;
mod version_id;

pub use datatype::Datatype;
pub use digest::{Digest, DigestError};
pub use elements::Elements;
pub use id::{AssetId, BaselineId, DatasetId, IdSequence, ModelId, RunId, random_token};
pub use kind::Kind;
pub use name::{Name, NameError};
pub use secret::Secret;
pub use signature::{BreakingChange, Label, Role, Shape, Side, Signature, TensorSpec};
pub use tensor::{Data, Tensor, TensorError};
pub use timestamp::Timestamp;
pub use version_id::{VersionId, VersionIdError};
