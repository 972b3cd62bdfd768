//! How the child process tells its parent how it ended.
//!
//! | exit | meaning |
//! |---|---|
//! | [`DONE`] | `outcome.json` is in the output folder |
//! | [`FAILED`] | the last line was `failed` with a code and a message |
//! | [`UNREADABLE_JOB`] | standard input did not begin with a job; standard error says why |
//! | [`CANCELLED`] | the last line was `cancelled` |
//! | signal `SIGABRT`, and standard error has [`OUT_OF_MEMORY`](servoir_child::memory::OUT_OF_MEMORY) | the memory limit was reached: `out-of-memory` |
//! | anything else | it crashed |

/// The results are there.
pub const DONE: u8 = 0;
/// It could not be done.
pub const FAILED: u8 = 1;
/// Nobody said what to do.
pub const UNREADABLE_JOB: u8 = 2;
/// Somebody asked for the end.
pub const CANCELLED: u8 = 3;
