//! The Open Inference Protocol over gRPC: protobuf messages to typed tensors and back.

mod answer;
mod contents;
mod parameters;
#[allow(missing_docs, clippy::all)] // generated; the .proto files are the documentation
pub mod proto;
mod request;

/// The descriptors of the messages and the service: an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!("../../proto/inference.bin");
