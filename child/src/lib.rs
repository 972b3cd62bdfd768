//! Child processes that work on what strangers made: started with nothing of the parent's own, limited, listened to, and
//! ended with all that they started.
//!
//! The parent has [`Process`], the child applies [`Limits`] to itself before it reads anything of strangers.

pub mod ending;
mod limits;
mod lines;
pub mod memory;
mod process;
mod program;
mod tail;
mod usage;

pub use limits::Limits;
pub use lines::{LINE_BYTES_MAX, Line};
pub use process::{Process, Start};
pub use program::Program;
pub use usage::{cpu_time, resident_bytes};
