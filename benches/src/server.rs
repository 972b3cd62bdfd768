//! The release binary as a process of its own.

use anyhow::{Context as _, Result, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// The key that the measured server begins with.
pub const KEY: &str = "the-key-of-the-benchmarks-0123456789";
/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(20);

/// A path that `cargo xtask bench` hands over.
pub fn given(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(Into::into).with_context(|| format!("{name} is not set: run `cargo xtask bench`"))
}

/// A running `servoir serve`.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process until it listened.
    pub listening_after: Duration,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts the binary with everything in `data_dir` and waits until it is ready.
    pub async fn start(data_dir: &Path) -> Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(given("SERVOIR_TEST_BINARY")?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("SERVOIR_BOOTSTRAP_KEY", KEY)
            .env("SERVOIR_LOG__FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("standard error")?).lines();
        let address = loop {
            let line = lines.next_line().await?.context("the server ended before it listened")?;
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().context("an address")?.parse()?;
            }
        };
        let listening_after = started.elapsed();
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let mut server = Self { child, address, listening_after, ready_after: listening_after };
        while !server.is_ready().await? {
            ensure!(started.elapsed() < READY_MAX, "not ready after {READY_MAX:?}");
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    async fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    }

    /// Registers a model, uploads it and makes it live, with the binary's own client command.
    pub async fn push(&self, model: &Path, name: &str) -> Result<()> {
        let mut push = Command::new(given("SERVOIR_TEST_BINARY")?);
        push.arg("push").arg(model).args(["--name", name, "--deploy"]);
        push.env("SERVOIR_URL", format!("http://{}", self.address)).env("SERVOIR_API_KEY", KEY).stdout(Stdio::null());
        ensure!(push.status().await?.success(), "`servoir push` failed");
        Ok(())
    }

    /// The process id.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the server runs")
    }

    /// Resident memory in megabytes of 10^6 bytes.
    pub fn resident_megabytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        let kibibytes: f64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    /// Ends it with SIGTERM and waits until it has drained.
    pub async fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.id()?.to_string()]).status().await?;
        ensure!(self.child.wait().await?.success(), "the server did not end in peace");
        Ok(())
    }
}
