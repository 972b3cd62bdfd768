//! A child: started with a clean environment in a group of its own, and ended with all that it started.

use crate::lines::{self, Line};
use crate::program::Program;
use crate::tail::Tail;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

/// How long a stream of a child that has ended may be silent before it is given up: what the child started may hold it.
const SILENT_MAX: Duration = Duration::from_secs(1);
/// How long all of them are heard at most: what the child started may also write for ever.
const REST_WITHIN: Duration = Duration::from_secs(20);

/// How a child is started.
pub struct Start<'a> {
    /// What runs.
    pub program: &'a Program,
    /// The folder that it works in.
    pub folder: &'a Path,
    /// What of this process's environment it is given, by name, where it is set.
    pub kept: &'a [&'a str],
    /// The rest of its environment.
    pub environment: Vec<(&'a str, OsString)>,
    /// The first line of its standard input.
    pub job: Vec<u8>,
}

/// A child that works.
pub struct Process {
    child: Child,
    /// Also the id of its group.
    pid: u32,
    stdin: ChildStdin,
    stdout: JoinHandle<()>,
    stderr: JoinHandle<()>,
    heard: Arc<Heard>,
}

/// What was read of a child's output, whether that has ended or not.
#[derive(Default)]
struct Heard {
    /// Counts what has come.
    pieces: AtomicU64,
    /// The end of its standard error.
    tail: Mutex<Tail>,
}

impl Heard {
    fn more(&self) {
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }
}

impl Process {
    /// Starts a child. `take` is given each line that it writes to its standard output.
    ///
    /// Start it from a thread that lasts: a child that has asked to die with its parent dies with the thread.
    ///
    /// # Errors
    /// When the program cannot be executed, or the system has no more processes or descriptors to give.
    pub async fn start(start: Start<'_>, take: impl FnMut(Line) + Send + 'static) -> io::Result<Self> {
        let kept = start.kept.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
        let mut child = Command::new(&start.program.file)
            .args(&start.program.args)
            .env_clear()
            .envs(kept)
            .envs(start.environment)
            .current_dir(start.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let gone = || io::Error::other("the child ended at once");
        let pid = child.id().ok_or_else(gone)?;
        let stdin = child.stdin.take().ok_or_else(gone)?;
        let heard = Arc::new(Heard::default());
        let stdout = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        let stdout = tokio::spawn(read_lines(stdout, take, Arc::clone(&heard)));
        let stderr = tokio::spawn(read_tail(child.stderr.take().ok_or_else(gone)?, Arc::clone(&heard)));
        let mut process = Self { child, pid, stdin, stdout, stderr, heard };
        // A child that does not read its job is noticed by how it ends.
        if let Err(error) = process.say(&start.job).await {
            tracing::debug!(%error, "a child did not take its job");
        }
        Ok(process)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it does not listen any more.
    pub async fn say(&mut self, line: &[u8]) -> io::Result<()> {
        self.stdin.write_all(line).await?;
        self.stdin.write_all(b"\n").await?;
        self.stdin.flush().await
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends what is left of the child and its group, hears its last lines, and gives back what it wrote to standard error:
    /// the end of it, without what cannot be shown.
    pub async fn finish(mut self) -> String {
        kill_group(self.pid);
        let _ = self.child.wait().await;
        let end = Instant::now() + REST_WITHIN;
        for reader in [self.stdout, self.stderr] {
            hear_out(reader, &self.heard, end).await;
        }
        let tail = self.heard.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.text()
    }
}

/// Waits until a stream has ended. It is given up when twice in a row nothing came for a while: the first time the threads of
/// this process may have stood still themselves, and what has come is read before the second.
async fn hear_out(mut reader: JoinHandle<()>, heard: &Heard, end: Instant) {
    let mut silences = 0;
    while silences < 2 && Instant::now() < end {
        let before = heard.pieces();
        if tokio::time::timeout(SILENT_MAX, &mut reader).await.is_ok() {
            return;
        }
        silences = if heard.pieces() == before { silences + 1 } else { 0 };
    }
    reader.abort();
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
    heard: Arc<Heard>,
) {
    loop {
        match lines::next(&mut output).await {
            Ok(Some(line)) => take(line),
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "a child's output could not be read"),
        }
        heard.more();
    }
}

async fn read_tail(mut output: impl tokio::io::AsyncRead + Unpin, heard: Arc<Heard>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = output.read(&mut bytes).await {
        heard.tail.lock().unwrap_or_else(PoisonError::into_inner).push(&bytes[..count]);
        heard.more();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd as _;

    /// What a script of the shell wrote to both streams, and how it ended.
    async fn run(script: &str) -> (Vec<String>, String, ExitStatus) {
        let folder = tempfile::tempdir().unwrap();
        let program = Program { file: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
        let environment = vec![("GIVEN", "yes".into())];
        let start =
            Start { program: &program, folder: folder.path(), kept: &["PATH"], environment, job: b"job".into() };
        let lines = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&lines);
        let take = move |line| match line {
            Line::Whole(line) => taken.lock().unwrap().push(String::from_utf8(line).unwrap()),
            Line::TooLong => taken.lock().unwrap().push("too long".to_owned()),
        };
        let mut process = Process::start(start, take).await.unwrap();
        let status = process.wait().await.unwrap();
        let said = process.finish().await;
        let lines = lines.lock().unwrap().clone();
        (lines, said, status)
    }

    #[tokio::test]
    async fn a_child_is_given_its_job_and_heard() {
        let (lines, said, status) = run("read job; echo \"$job\"; echo second; echo last words >&2; exit 3").await;
        assert_eq!((lines, said.as_str(), status.code()), (vec!["job".into(), "second".into()], "last words", Some(3)));
    }

    #[tokio::test]
    async fn a_child_has_nothing_of_its_parents() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (names, _, _) = run("env | cut -d= -f1").await;
        // The shell adds its own.
        let mut names: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !["PWD", "SHLVL", "_", "OLDPWD"].contains(name)).collect();
        names.sort_unstable();
        assert_eq!(names, ["GIVEN", "PATH"]);
        let own = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
        let (open, _, _) = run("for fd in /proc/self/fd/*; do readlink $fd; done").await;
        assert!(!open.is_empty() && open.iter().all(|target| Path::new(target) != own), "{open:?}");
        drop(listener);
    }

    #[tokio::test]
    async fn what_was_said_is_known_although_another_holds_the_stream() {
        // Its session is its own, so that it outlives the group; it has the standard error alone.
        let script = "left=$(setsid sh -c 'echo $$; exec sleep 600 >&2' &); echo $left; echo last words >&2; exit 3";
        let (lines, said, status) = run(script).await;
        let ended = Command::new("kill").args(["-KILL", &lines[0]]).status().await.unwrap();
        assert!(ended.success(), "it has held the stream until now");
        assert_eq!((said.as_str(), status.code()), ("last words", Some(3)));
    }

    #[tokio::test]
    async fn what_a_child_started_ends_with_it() {
        let (lines, _, status) = run("sleep 600 & echo $!; kill -SEGV $$").await;
        assert_eq!(crate::ending::signal(status), Some(11));
        let left = Path::new("/proc").join(&lines[0]).join("cmdline");
        assert_eq!(std::fs::read_to_string(left).unwrap_or_default(), "", "it is gone, or waits to be collected");
    }
}
