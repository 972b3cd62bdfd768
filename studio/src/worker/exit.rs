//! How the child process tells its parent how it ended.
//!
//! | exit | meaning |
//! |---|---|
//! | [`DONE`] | `outcome.json` is in the output folder |
//! | [`FAILED`] | the last line was `failed` with a code and a message |
//! | [`UNREADABLE_JOB`] | standard input did not begin with a job; standard error says why |
//! | [`CANCELLED`] | the last line was `cancelled` |
//! | signal `SIGABRT`, and standard error has [`OUT_OF_MEMORY`] | the memory limit was reached: `out-of-memory` |
//! | anything else | it crashed |

/// The results are there.
pub const DONE: u8 = 0;
/// It could not be done.
pub const FAILED: u8 = 1;
/// Nobody said what to do.
pub const UNREADABLE_JOB: u8 = 2;
/// Somebody asked for the end.
pub const CANCELLED: u8 = 3;

/// What Rust's runtime writes to standard error, with the size, before it aborts because memory was refused.
pub const OUT_OF_MEMORY: &str = "memory allocation of ";

/// `SIGABRT`, as Linux and macOS number it.
const ABORTED: i32 = 6;

/// Whether a process that ended by this signal, with these last words, had asked for more memory than it may have.
pub fn is_out_of_memory(signal: Option<i32>, standard_error: &str) -> bool {
    signal == Some(ABORTED) && standard_error.contains(OUT_OF_MEMORY)
}
