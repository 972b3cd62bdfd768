//! Running: a queue, a child process for each run, frames that are stored and then told, and readers that follow them.

pub mod frame;
mod job_of;
pub mod live;
mod outgoing;
pub mod process;
mod publish;
mod scratch;
mod script;
mod series;
mod session;
pub mod state;
mod storing;
pub mod supervisor;
mod usage;
