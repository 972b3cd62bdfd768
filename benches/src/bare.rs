//! Bare hyper that reads a body and answers a constant, in a process of its own: what a server costs that does nothing.

use crate::process::started_under;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use tokio::net::TcpListener;

/// Makes a program of the benchmarks this server.
pub const ARGUMENT: &str = "bare-server";

/// As long as an answer of the real server.
const ANSWER: &[u8] = br#"{"modelId":"model_0123456789abcdef","version":1,"predictionIds":["pred_0123456789ab-1f"],"predictions":[1],"probabilities":[[0.034629755,0.96537024]],"classes":[0,1],"latencyMs":0.123}"#;

/// Answers for ever, on as many threads as there are processors.
///
/// # Errors
/// When no connection can be taken.
#[tokio::main]
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER))))
}

/// Its process. It ends when this is dropped.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Process {
    /// Starts this program again, which hands over to [`serve`], under another program where there is one.
    ///
    /// # Errors
    /// When it does not say where it listens.
    pub fn start(under: &[String]) -> Result<Self> {
        let mut child = started_under(under, &std::env::current_exe()?).arg(ARGUMENT).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("its standard output")?;
        let line = BufReader::new(output).lines().next().context("it says where it listens")??;
        Ok(Self { child, address: line.parse()? })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
