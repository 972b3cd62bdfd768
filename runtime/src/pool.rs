//! Instances: threads that each own a session and take work from the deployment's queue.

mod counters;
mod warmup;
mod worker;

pub(crate) use counters::{Counters, InFlight};
pub(crate) use warmup::{probe_batching, warm};
pub(crate) use worker::Worker;
