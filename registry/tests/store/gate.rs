//! A way to a server that can be shut and opened again.

use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes connections on to a server while it is open.
pub struct Gate {
    pub port: u16,
    server: SocketAddr,
    passing: Option<JoinHandle<()>>,
}

impl Gate {
    pub async fn open_to(server: SocketAddr) -> Self {
        let mut gate = Self { port: 0, server, passing: None };
        gate.open().await;
        gate
    }

    /// Opens it, on the port that it had before.
    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let server = self.server;
        self.passing = Some(tokio::spawn(async move {
            // Ends its connections when this task does.
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut server = TcpStream::connect(server).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        }));
    }

    /// Cuts all connections and refuses new ones.
    pub async fn shut(&mut self) {
        if let Some(passing) = self.passing.take() {
            passing.abort();
            assert!(passing.await.unwrap_err().is_cancelled());
        }
    }
}
