//! Watching versions while they serve: how they are monitored, what is counted of their traffic, what they are compared
//! with, what labels say of them, what analyses find, and who is told of it.

pub mod alerts;
pub mod analysis;
pub mod baselines;
pub mod buckets;
mod entities;
pub mod feedback;
pub mod findings;
mod follow;
mod keep;
mod ledger;
pub mod performance;
mod prediction_ids;
pub(crate) mod random;
pub mod recording;
mod service;
pub mod settings;
mod tap;
mod totals;
pub mod webhooks;

pub use entities::EntityLog;
pub use keep::keep_monitoring;
pub use prediction_ids::prediction_ids;
pub use service::Monitoring;
pub use totals::Counted;
