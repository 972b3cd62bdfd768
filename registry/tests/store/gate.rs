//! A way to a server that can be shut and opened again, and that can fall silent.

use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Connections that may wait to be taken.
const BACKLOG: u32 = 128;

/// Passes connections on to a server while it is open.
pub struct Gate {
    pub port: u16,
    /// Has the port all the time, and never listens: while the gate is shut nobody else is given it.
    _place: TcpSocket,
    server: SocketAddr,
    passing: Option<JoinHandle<()>>,
    passes: watch::Sender<Passes>,
}

/// What gets through.
#[derive(Clone, Copy, Default)]
struct Passes {
    nothing: bool,
    /// Nor does anything ever again on connections that came before so many losses.
    losses: u64,
}

impl Gate {
    pub async fn open_to(server: SocketAddr) -> Self {
        let place = bound_to(0);
        let port = place.local_addr().unwrap().port();
        let mut gate = Self { port, _place: place, server, passing: None, passes: watch::Sender::default() };
        gate.open();
        gate
    }

    /// Opens it, on the port that it had before.
    pub fn open(&mut self) {
        let listener = bound_to(self.port).listen(BACKLOG).unwrap();
        let (server, passes) = (self.server, self.passes.subscribe());
        self.passing = Some(tokio::spawn(async move {
            // Ends its connections when this task does.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (to_server, to_client) = (passes.clone(), passes.clone());
                let born = passes.borrow().losses;
                connections.spawn(async move {
                    let (from_client, client) = client.into_split();
                    let (from_server, server) = TcpStream::connect(server).await?.into_split();
                    tokio::try_join!(
                        pass((from_client, server), (to_server, born)),
                        pass((from_server, client), (to_client, born))
                    )
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

    /// Lets nothing through any more, in neither direction, and cuts nothing: as a server that is frozen.
    pub fn fall_silent(&self) {
        self.passes.send_modify(|passes| passes.nothing = true);
    }

    /// Lets everything through again, what has gathered too.
    pub fn speak(&self) {
        self.passes.send_modify(|passes| passes.nothing = false);
    }

    /// Lets new connections through; those that there are stay silent for ever, as when a router has forgotten them.
    pub fn speak_to_others(&self) {
        self.passes.send_modify(|passes| *passes = Passes { nothing: false, losses: passes.losses + 1 });
    }
}

/// A socket on a port, which others of this kind may have too as long as none of them listens.
pub fn bound_to(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    socket
}

/// Passes one direction on, for a connection that came after so many losses.
async fn pass(
    (mut from, mut to): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (mut passes, born): (watch::Receiver<Passes>, u64),
) -> std::io::Result<()> {
    let mut part = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut part).await?;
        let is_gone = passes.wait_for(|passes| !passes.nothing && passes.losses == born).await.is_err();
        if count == 0 || is_gone {
            return to.shutdown().await;
        }
        to.write_all(&part[..count]).await?;
    }
}
