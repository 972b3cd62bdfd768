//! A load of keep-alive connections, each sending its next request when the last was answered.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What a load saw.
pub struct Measured {
    /// Requests answered with 200.
    pub requests: usize,
    /// How long it lasted.
    pub elapsed: Duration,
    latencies: Vec<Duration>,
}

impl Measured {
    /// A quantile of the latencies.
    pub fn quantile(&self, share: f64) -> Duration {
        let index = (self.latencies.len() as f64 * share) as usize;
        self.latencies.get(index.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// What every request of a load is.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The path.
    pub path: String,
    /// The API key.
    pub key: String,
    /// The body.
    pub body: Bytes,
}

/// Asks over `connections` connections for `duration`.
pub async fn load(asked: Asked, connections: usize, duration: Duration) -> Result<Measured> {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let Asked { address, path: uri, key, body } = asked.clone();
        tasks.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            let mut latencies = Vec::new();
            while started.elapsed() < duration {
                let request = Request::post(&uri)
                    .header(header::HOST, "localhost")
                    .header(header::CONTENT_TYPE, "application/json")
                    .header("x-api-key", &key)
                    .body(Full::new(body.clone()))?;
                let asked = Instant::now();
                let response = sender.send_request(request).await?;
                ensure!(response.status() == 200, "answered {}", response.status());
                response.into_body().collect().await?;
                latencies.push(asked.elapsed());
            }
            Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(one) = tasks.join_next().await {
        latencies.extend(one??);
    }
    latencies.sort();
    Ok(Measured { requests: latencies.len(), elapsed: started.elapsed(), latencies })
}
