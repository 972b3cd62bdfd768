//! HTTP: connections, the outermost layer, and the routes, in folders that read like the URL space.

pub mod auth;
pub mod body;
pub mod connections;
pub mod health;
pub mod metrics;
pub mod outermost;
pub mod predict;
pub mod problem;
pub mod registry;
pub mod request_id;
pub mod router;
