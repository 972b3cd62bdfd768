//! The release binary as a process of its own.

use crate::load::{Target, exchange};
use crate::process::started_under;
use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The key that the measured server begins with.
pub const KEY: &str = "the-key-of-the-benchmarks-0123456789";
/// How long a server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(120);

/// A path that `cargo xtask bench` hands over.
///
/// # Errors
/// When it did not.
pub fn given(name: &str) -> Result<PathBuf> {
    std::env::var_os(name).map(Into::into).with_context(|| format!("{name} is not set: run `cargo xtask bench`"))
}

/// A model of those that `python/benches/models.py` made.
///
/// # Errors
/// When it did not make it.
pub fn model(name: &str) -> Result<PathBuf> {
    let file = given("SERVOIR_BENCH_MODELS")?.join(name).join("model.onnx");
    ensure!(file.is_file(), "{} is missing: run `cargo xtask bench`", file.display());
    Ok(file)
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
    /// Starts the binary with everything in `data_dir` and these arguments, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends or is not ready in time.
    pub fn start<A: AsRef<OsStr>>(data_dir: &Path, arguments: &[A]) -> Result<Self> {
        Self::start_under(&[], data_dir, arguments)
    }

    /// The same under another program, such as one that measures it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_under<A: AsRef<OsStr>>(under: &[String], data_dir: &Path, arguments: &[A]) -> Result<Self> {
        let started = Instant::now();
        let mut child = started_under(under, &given("SERVOIR_TEST_BINARY")?)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(arguments)
            .env("SERVOIR_BOOTSTRAP_KEY", KEY)
            .env("SERVOIR_LOG__FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stderr.take().context("standard error")?).lines();
        let mut said = String::new();
        let address = loop {
            let Some(line) = lines.next().transpose()? else { anyhow::bail!("the server ended: {said}") };
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().context("an address")?.parse()?;
            }
            said = line;
        };
        let listening_after = started.elapsed();
        std::thread::spawn(move || lines.count());
        let mut server = Self { child, address, listening_after, ready_after: listening_after };
        while exchange(address, &server.target("/readyz").get())?.status != 200 {
            ensure!(started.elapsed() < READY_MAX, "not ready after {READY_MAX:?}");
        }
        server.ready_after = started.elapsed();
        Ok(server)
    }

    /// A path of this server, with its key.
    pub fn target(&self, path: impl Into<String>) -> Target {
        Target { address: self.address, path: path.into(), headers: vec![format!("x-api-key: {KEY}")] }
    }

    /// Registers a model, uploads it and makes it live, with the binary's own client command.
    ///
    /// # Errors
    /// When the command fails; it says why.
    pub fn push(&self, model: &Path, name: &str) -> Result<()> {
        let mut push = Command::new(given("SERVOIR_TEST_BINARY")?);
        push.arg("push").arg(model).args(["--name", name, "--deploy"]);
        push.env("SERVOIR_URL", format!("http://{}", self.address)).env("SERVOIR_API_KEY", KEY).stdout(Stdio::null());
        ensure!(push.status()?.success(), "`servoir push` failed");
        Ok(())
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with SIGTERM and waits until it has drained.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(self.child.wait()?.success(), "the server did not end in peace");
        Ok(())
    }
}

impl Drop for Server {
    /// One that was not stopped, because something failed, is killed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
