//! `servoir studio-worker`: the child process of a training run. Its parent is the server.

use super::failure::Failure;

/// Does the job on standard input, and ends this process with the code that says how that went.
pub fn run() -> Result<(), Failure> {
    std::process::exit(servoir_studio::worker::process::main().into())
}
