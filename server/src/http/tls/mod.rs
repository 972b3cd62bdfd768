//! TLS of the listeners: certificates read from files, and read again when they change.

mod files;
mod plain;
mod watch;

pub use plain::refuse as refuse_plain_text;
pub use watch::keep_fresh;

use crate::config::TlsConfig;
use arc_swap::ArcSwap;
use files::{Files, Stamps};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

pub use files::TlsError;

/// The certificate that new connections are served with, and the files that it came from.
pub struct Tls {
    files: Files,
    /// As the files were when they were first read.
    first: Stamps,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the configured files. `None`: no certificate is configured, and connections are plain.
    ///
    /// # Errors
    /// When a file cannot be read, does not hold what it should, or the key is not the certificate's.
    pub fn configured(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let Some(files) = Files::of(config) else { return Ok(None) };
        let first = files.stamps();
        let current = ArcSwap::from_pointee(files.read()?);
        Ok(Some(Self { files, first, current }))
    }

    /// Reads the files again. Connections that are open keep what they began with.
    ///
    /// # Errors
    /// As [`Self::configured`]; what was served stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(self.files.read()?));
        Ok(())
    }

    /// Speaks TLS with a client that has just connected.
    ///
    /// # Errors
    /// When the client cannot agree with the server, or proves nothing where a client certificate is asked for.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.current.load_full()).accept(stream).await
    }
}
