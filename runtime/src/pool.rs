//! Instances: threads that each own a session and take work from the deployment's queue.

mod counters;
mod recorder;
mod warmup;
mod worker;

pub(crate) use counters::{Counters, InFlight, Outcome};
pub(crate) use recorder::Recorder;
pub(crate) use warmup::{probe_batching, warm};
pub(crate) use worker::Worker;
