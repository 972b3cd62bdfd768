//! A run's child process: started with nothing of the server's own in its environment, ended with all that it started.

use super::lines::{self, Line, Tail};
use crate::job::Job;
use crate::worker;
use crate::worker::exit::is_out_of_memory;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

/// What a child is told, as a line, when its run is not wanted any more.
pub const CANCEL_LINE: &str = "cancel";
/// How long a child may take to end when it is told so.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);
/// How long what a child has written may take to come when it has ended: what it started may hold the pipe.
const REST_WITHIN: Duration = Duration::from_secs(2);
/// What of the server's environment a child is given.
const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "TZ", "RUST_BACKTRACE"];

/// The command that runs a job.
#[derive(Debug, Clone)]
pub struct WorkerCommand {
    /// The file that is executed.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// A child that works.
pub(super) struct Process {
    child: Child,
    /// Also the id of its group.
    pid: u32,
    stdin: ChildStdin,
    stdout: JoinHandle<()>,
    stderr: JoinHandle<Tail>,
}

impl Process {
    /// Starts a child with a job. `take` is given each line that it writes.
    pub(super) async fn start(
        command: &WorkerCommand,
        job: &Job,
        take: impl FnMut(Line) + Send + 'static,
    ) -> io::Result<Self> {
        let kept = ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .envs(kept)
            .envs(worker::process::ENVIRONMENT)
            .env("TMPDIR", &job.output)
            .current_dir(&job.output)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || io::Error::other("the worker ended at once");
        let pid = child.id().ok_or_else(gone)?;
        let mut stdin = child.stdin.take().ok_or_else(gone)?;
        let stdout = tokio::spawn(read_lines(BufReader::new(child.stdout.take().ok_or_else(gone)?), take));
        let stderr = tokio::spawn(read_tail(child.stderr.take().ok_or_else(gone)?));
        let mut text = serde_json::to_vec(job)?;
        text.push(b'\n');
        // A child that does not read its job is noticed by how it ends.
        if let Err(error) = stdin.write_all(&text).await {
            tracing::debug!(%error, "a worker did not take its job");
        }
        Ok(Self { child, pid, stdin, stdout, stderr })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Tells it to end, and ends it when it does not.
    pub(super) async fn cancel(&mut self) {
        let told = async {
            self.stdin.write_all(format!("{CANCEL_LINE}\n").as_bytes()).await?;
            self.stdin.flush().await?;
            self.child.wait().await
        };
        if tokio::time::timeout(CANCEL_WITHIN, told).await.is_err() {
            tracing::debug!(pid = self.pid, "a worker did not end when it was told to");
        }
    }

    /// Ends what is left of the child and its group, and gives back what it wrote for people.
    pub(super) async fn finish(mut self) -> String {
        kill_group(self.pid);
        let _ = self.child.wait().await;
        let mut stdout = self.stdout;
        if tokio::time::timeout(REST_WITHIN, &mut stdout).await.is_err() {
            stdout.abort();
        }
        let mut stderr = self.stderr;
        match tokio::time::timeout(REST_WITHIN, &mut stderr).await {
            Ok(tail) => tail.map(|tail| tail.text()).unwrap_or_default(),
            Err(_) => {
                stderr.abort();
                String::new()
            }
        }
    }
}

/// Ends a group of processes. One that is gone already is fine.
fn kill_group(pid: u32) {
    let group = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

async fn read_lines(
    mut output: BufReader<impl tokio::io::AsyncRead + Unpin>,
    mut take: impl FnMut(Line) + Send + 'static,
) {
    loop {
        match lines::next(&mut output).await {
            Ok(Some(line)) => take(line),
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "a worker's output could not be read"),
        }
    }
}

async fn read_tail(mut output: impl tokio::io::AsyncRead + Unpin) -> Tail {
    let mut tail = Tail::default();
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut bytes).await {
        tail.push(&bytes[..count]);
    }
    tail
}

/// Why a child ended that left no result: a code and a sentence.
pub(super) fn explain(status: ExitStatus, said: &str, memory_bytes_max: u64) -> (&'static str, String) {
    if is_out_of_memory(status.signal(), said) {
        let message = format!(
            "training needed more than the {} MiB of memory that a run may have ('studio.memory_bytes_max')",
            memory_bytes_max >> 20
        );
        return ("out-of-memory", message);
    }
    let how = match (status.code(), status.signal()) {
        (Some(0), _) => "ended without a result".to_owned(),
        (Some(code), _) => format!("ended with the exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = if said.is_empty() { "" } else { ": " };
    ("crashed", format!("the worker {how}{separator}{said}"))
}
