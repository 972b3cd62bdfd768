//! Requests as bytes, and one exchange without any load.

use super::response::Incoming;
use anyhow::{Context as _, Result, ensure};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long one exchange without load may take.
const EXCHANGE_MAX: Duration = Duration::from_secs(60);
/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// Where requests go, and the header lines that every one of them has.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server's address.
    pub address: SocketAddr,
    /// The path with its query.
    pub path: String,
    /// Lines such as `x-api-key: …`.
    pub headers: Vec<String>,
}

impl Target {
    /// Reads `http://HOST:PORT/PATH`.
    ///
    /// # Errors
    /// When it is no such URL, or the host is not known.
    pub fn from_url(url: &str, headers: Vec<String>) -> Result<Self> {
        let rest = url.strip_prefix("http://").with_context(|| format!("{url}: only http:// is spoken here"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port_is_given = host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        let host = if port_is_given { host.to_owned() } else { format!("{host}:80") };
        let address = host.to_socket_addrs().with_context(|| format!("{url}: unknown host"))?.next();
        let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        Ok(Self { address: address.with_context(|| format!("{url}: a host without address"))?, path, headers })
    }

    /// The same server and headers with another path.
    pub fn at(&self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self.clone() }
    }

    /// A request without a body.
    pub fn get(&self) -> Vec<u8> {
        format!("GET {}\r\n", self.head()).into_bytes()
    }

    fn head(&self) -> String {
        let headers: String = self.headers.iter().map(|line| format!("{line}\r\n")).collect();
        format!("{} HTTP/1.1\r\nhost: {}\r\n{headers}", self.path, self.address)
    }
}

/// A request with a body. Of a body that is JSON and then tensors, `json_bytes` says how long the JSON is.
pub fn post(target: &Target, json_bytes: Option<usize>, body: &[u8]) -> Vec<u8> {
    let form = match json_bytes {
        None => "content-type: application/json\r\n".to_owned(),
        Some(bytes) => {
            format!("content-type: application/octet-stream\r\ninference-header-content-length: {bytes}\r\n")
        }
    };
    let head = format!("POST {}{form}content-length: {}\r\n\r\n", target.head(), body.len());
    [head.as_bytes(), body].concat()
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Bytes of the body that are JSON, where tensors follow them.
    pub json_bytes: Option<usize>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends one request over a connection of its own and waits for the answer.
///
/// # Errors
/// When there is no answer of HTTP/1.1 within a minute.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(address).with_context(|| format!("no server at {address}"))?;
    stream.set_read_timeout(Some(EXCHANGE_MAX))?;
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    let mut incoming = Incoming::default();
    incoming.keep();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = stream.read(&mut buffer).with_context(|| format!("no answer from {address}"))?;
        ensure!(count > 0, "{address} closed the connection before it had answered");
        if let Some(head) = incoming.take(&buffer[..count])? {
            let body = incoming.reset().unwrap_or_default();
            return Ok(Answer { status: head.status, json_bytes: head.json_bytes, body });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_an_address_and_a_path() {
        let rows = [
            ("http://127.0.0.1:8000", "127.0.0.1:8000", "/"),
            ("http://127.0.0.1/v2/models/m/infer?a=1", "127.0.0.1:80", "/v2/models/m/infer?a=1"),
        ];
        for (url, address, path) in rows {
            let target = Target::from_url(url, Vec::new()).unwrap();
            assert_eq!((target.address.to_string().as_str(), target.path.as_str()), (address, path));
        }
        assert!(Target::from_url("https://127.0.0.1", Vec::new()).is_err());
    }

    #[test]
    fn a_request_has_its_headers_its_length_and_its_body() {
        let target = Target::from_url("http://127.0.0.1:1/p", vec!["x-api-key: k".into()]).unwrap();
        let request = String::from_utf8(post(&target, Some(1), b"{1234")).unwrap();
        let want = "POST /p HTTP/1.1\r\nhost: 127.0.0.1:1\r\nx-api-key: k\r\ncontent-type: application/octet-stream\r\n\
                    inference-header-content-length: 1\r\ncontent-length: 5\r\n\r\n{1234";
        assert_eq!(request, want);
    }
}
