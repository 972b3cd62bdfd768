//! The `servoir` binary as a process of its own, to be killed and measured.

use crate::api::Api;
use crate::environment;
use crate::server::{BOOTSTRAP_KEY, DATABASE_WAIT_SECONDS};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// How much of a server's log is shown when a test fails.
const LINES_SHOWN: usize = 30;

/// A running `servoir serve`.
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    /// Reads its log.
    listener: JoinHandle<()>,
    /// The log's last lines, to be shown when a test fails.
    last_said: Arc<Mutex<VecDeque<String>>>,
    /// From the start of the process to the first line that says where it listens.
    pub listening_after: Duration,
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in self.last_said.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                eprintln!("the server said: {line}");
            }
        }
    }
}

impl ServerProcess {
    /// Starts the binary on a free port, with everything in `data_dir`, and waits until it says where it listens.
    ///
    /// # Panics
    /// When it ends or says nothing.
    pub async fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[]).await
    }

    /// The same with more in its environment.
    ///
    /// # Panics
    /// When it ends or says nothing.
    pub async fn start_with(data_dir: &Path, settings: &[(&str, &OsStr)]) -> Self {
        Self::start_under(&[], data_dir, settings).await
    }

    /// The same under a program that takes a command and becomes it, such as `prlimit --nofile=100`.
    ///
    /// # Panics
    /// When it ends or says nothing.
    pub async fn start_under(program: &[&str], data_dir: &Path, settings: &[(&str, &OsStr)]) -> Self {
        let started = Instant::now();
        let binary = environment::binary();
        let mut words = program.iter().map(OsStr::new).chain([binary.as_os_str()]);
        let mut child = Command::new(words.next().expect("the binary, at least"))
            .args(words)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("SERVOIR_BOOTSTRAP_KEY", BOOTSTRAP_KEY)
            .env("SERVOIR_ONNXRUNTIME", environment::onnxruntime())
            .env("SERVOIR_ENGINES__THREADS", "1")
            .env("SERVOIR_ENGINES__PROFILE_SECONDS", "0")
            .env("SERVOIR_STORAGE__DATABASE_WAIT_SECONDS", DATABASE_WAIT_SECONDS.to_string())
            .env("SERVOIR_LOG__FORMAT", "json")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let mut said = Vec::new();
        let address = loop {
            let Some(line) = lines.next_line().await.expect("standard error is text") else {
                panic!("the server ended before it listened:\n{}", said.join("\n"));
            };
            let event: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if event["message"] == "listening" {
                break event["address"].as_str().and_then(|address| address.parse().ok()).expect("an address");
            }
            said.push(line);
        };
        let listening_after = started.elapsed();
        // Whatever else it says is read, so that it never waits for a full pipe.
        let last_said = Arc::new(Mutex::new(VecDeque::new()));
        let heard = Arc::clone(&last_said);
        let listener = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                if heard.len() >= LINES_SHOWN {
                    heard.pop_front();
                }
                heard.push_back(line);
            }
        });
        Self { child, address, listener, last_said, listening_after }
    }

    /// A client with the bootstrap key.
    pub fn api(&self) -> Api {
        Api::new(format!("http://{}", self.address), Some(BOOTSTRAP_KEY))
    }

    /// Closes its log: from then on no line can be written.
    pub async fn close_log(&mut self) {
        self.listener.abort();
        let _aborted = (&mut self.listener).await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process runs")
    }

    /// Resident memory in bytes.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn resident_bytes(&self) -> u64 {
        servoir_child::resident_bytes(self.id()).expect("the process runs")
    }

    /// Ends the process as a power cut would: SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process is killed");
    }

    /// Asks it to stop with SIGTERM and waits for its exit status.
    ///
    /// # Panics
    /// When it does not run any more.
    pub async fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill(1) runs");
        assert!(asked.success());
        self.child.wait().await.expect("an exit status")
    }

    /// Waits until `/readyz` says that it is ready, asking again as fast as it answers.
    ///
    /// # Panics
    /// When that takes longer than `patience`.
    pub async fn ready(&self, patience: Duration) {
        let api = self.api();
        let started = Instant::now();
        loop {
            let answer = api.get("/readyz").await;
            if answer.status.is_success() {
                return;
            }
            assert!(started.elapsed() < patience, "not ready after {patience:?}: {}", answer.text);
            tokio::task::yield_now().await;
        }
    }
}
