//! Drift, data quality and alerts of a running server: real rows through the real interfaces, on a clock of the test's own
//! where windows have to pass.

mod alerts;
mod analysis;
mod conventions;
mod live;
mod metrics;
mod nodes;
mod receiver;
mod stream;
mod studio;
mod webhooks;
mod world;
