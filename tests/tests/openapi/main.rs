//! The API's documents: what they say of the server is held against it by schemathesis, and the examples of a model's own
//! document work as they stand.

mod examples;
mod mlserver;
mod models;
mod schemathesis;
mod server;
