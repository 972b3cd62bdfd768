//! Instances: threads that each own a session and take work from the deployment's queue.

mod company;
mod cost;
mod counters;
mod inline;
mod instance;
mod recorder;
mod runner;
mod self_check;
mod warmup;
mod worker;

pub(crate) use company::Terms;
pub(crate) use cost::{Costs, has_rows_of_one_cost, rows_of};
pub(crate) use counters::{Counters, InFlight, Outcome};
pub(crate) use inline::{Inline, Taken};
pub(crate) use instance::Instance;
pub(crate) use recorder::Recorder;
pub(crate) use runner::Runner;
pub(crate) use self_check::SelfCheck;
pub(crate) use warmup::{Cold, made_up, probe_batching, warm, warm_batches};
pub(crate) use worker::Worker;
