//! Waiting: for a future, and for the wish to stop.

use super::failure::Failure;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// How long a thread for what blocks stays without work. When a thread ends, the allocator gives memory back that has been
/// free for a second: what bringing models up took is given back after two, and not after the usual ten.
const IDLE_THREAD_MAX: Duration = Duration::from_secs(2);

/// Runs a client command on this thread.
///
/// # Errors
/// The command's own.
pub fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime(&mut Builder::new_current_thread())?.block_on(command)
}

/// A runtime for a server: one thread per core.
///
/// # Errors
/// When the system has no threads to give.
pub fn server_runtime() -> Result<Runtime, Failure> {
    runtime(Builder::new_multi_thread().thread_keep_alive(IDLE_THREAD_MAX))
}

fn runtime(builder: &mut Builder) -> Result<Runtime, Failure> {
    builder.enable_all().build().map_err(|error| Failure::failed(format!("cannot start: {error}")))
}

/// Completes at the first SIGINT or SIGTERM. A second one ends the process at once, for who does not want to wait.
///
/// # Errors
/// When the system does not let this process hear signals.
pub fn asked_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::failed(format!("cannot hear signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(super::Exit::Failed as i32);
        });
    })
}
