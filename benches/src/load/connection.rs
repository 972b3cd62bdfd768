//! One connection: at most one request on the way, and the answer that is coming in.

use super::response::{Head, Incoming};
use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

/// A request on its way.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Which of the plan's.
    pub request: usize,
    /// When it was to be sent; in a closed loop, when it was.
    pub due: Instant,
}

/// A connection.
pub struct Connection {
    stream: TcpStream,
    incoming: Incoming,
    sent: Option<Sent>,
    written: usize,
}

impl Connection {
    /// Connects and has the registry report it as `token`.
    pub fn open(address: SocketAddr, registry: &Registry, token: Token) -> Result<Self> {
        let stream = std::net::TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, incoming: Incoming::default(), sent: None, written: 0 })
    }

    /// The request that is on its way, if any.
    pub fn sent(&self) -> Option<Sent> {
        self.sent
    }

    /// Begins to send; with `keep`, the answer's body is kept.
    pub fn send(&mut self, sent: Sent, bytes: &[u8], keep: bool) -> Result<()> {
        self.sent = Some(sent);
        self.written = 0;
        if keep {
            self.incoming.keep();
        }
        self.write(bytes)
    }

    /// Sends what is left of the request, as far as the socket takes it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        while self.written < bytes.len() {
            match self.stream.write(&bytes[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what has come. The head of the answer and its body, where that was to be kept, when it is whole.
    ///
    /// Readiness is told by its edges: after a read that did not fill the buffer, whatever comes is told again.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Option<(Head, Option<Vec<u8>>)>> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => anyhow::bail!("the server closed the connection"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if let Some(head) = self.incoming.take(&buffer[..count])? {
                self.sent = None;
                return Ok(Some((head, self.incoming.reset())));
            }
            if count < buffer.len() {
                return Ok(None);
            }
        }
    }
}
