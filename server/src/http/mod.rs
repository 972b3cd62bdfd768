//! HTTP: connections, the outermost layer, and the routes, in folders that read like the URL space.

pub mod auth;
pub mod body;
pub mod buffer;
pub mod client_address;
pub mod connections;
pub mod cors;
pub mod etag;
pub mod fields;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod metrics;
pub mod openapi;
pub mod origin;
pub mod outermost;
pub mod pagination;
pub mod path;
pub mod predict;
pub mod problem;
pub mod query;
pub mod registry;
mod reply;
pub mod request_id;
pub mod router;
pub mod tls;
pub mod unread;
pub mod whole;
