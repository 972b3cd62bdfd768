//! Starting, running and stopping the server.

use crate::config::Config;
use servoir_types::Secret;
use std::net::SocketAddr;

/// A server that answers.
pub struct Running {
    /// Where it listens, with the ports that the system chose.
    pub addresses: Vec<SocketAddr>,
    /// The first key, when this start made one: to be shown once.
    pub bootstrap_key: Option<Secret>,
}

impl Running {
    /// Drains and stops: not ready at once, requests in flight finish within `drain_seconds`, stores close.
    pub async fn stop(self) {}
}

/// Starts the server and returns when it accepts connections; models come up in the background.
///
/// # Errors
/// When an address cannot be bound or the registry cannot be opened.
pub async fn start(_config: Config) -> anyhow::Result<Running> {
    anyhow::bail!("the server is not assembled in this build")
}

/// Starts the server, runs it until `shutdown` completes, and drains.
///
/// # Errors
/// As [`start`].
pub async fn run(config: Config, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let running = start(config).await?;
    shutdown.await;
    running.stop().await;
    Ok(())
}
