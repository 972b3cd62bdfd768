//! `servoir preflight`: the child process that tries a model file. Its parent is the server.

use super::failure::Failure;
use crate::preflight::child;

/// Does the job on standard input, and ends this process with the code that says how that went.
pub fn run() -> Result<(), Failure> {
    std::process::exit(child::main().into())
}
