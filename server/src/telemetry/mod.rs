//! What the server says of itself: metrics and logs.

pub mod exposition;
pub mod logging;
pub mod metrics;
