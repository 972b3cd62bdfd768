//! What a run's child process does: it reads the table, prepares it, searches, evaluates what was found, and leaves the
//! version's files in the job's output folder.
//!
//! It says how it is doing in [`Line`](crate::job::Line)s. How it ended is told by its exit code, see [`exit`].

mod baseline;
mod candidates;
pub mod ended;
pub mod exit;
mod files;
mod importance;
pub mod process;
mod reporter;
pub mod run;
pub mod script;
pub mod stop;
mod study;
