//! One running server. Its folder carries this process's id, so that runs side by side do not meet and a later run can
//! clear up after one that was killed.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::postgres::Programs;
use crate::process;
use crate::workspace::Workspace;

/// An URL given by the developer: the tests use that server, and none is started.
const GIVEN_URL: &str = "SERVOIR_TEST_POSTGRES_URL";

/// Connections, at least, and for each core: as many tests run at once as there are cores.
const CONNECTIONS_MIN: usize = 200;
const CONNECTIONS_PER_CORE: usize = 24;
const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_SECONDS: &str = "30";
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A server that stops, and whose data goes, when this is dropped.
pub struct Cluster {
    url: String,
    server: Option<Server>,
}

struct Server {
    child: Child,
    data: PathBuf,
    run: PathBuf,
    stop: Command,
    /// Kept until the server has stopped.
    port: Port,
}

/// A port that the system gives to nobody else: one end of a connection that began there has it. Who asks for a port that is
/// shared so (SO_REUSEADDR), as PostgreSQL does, can listen at it.
struct Port {
    number: u16,
    _place: TcpStream,
}

impl Cluster {
    /// Where the tests connect: a superuser without a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts a server and waits until it takes connections, unless the developer named one.
    pub fn start(workspace: &Workspace) -> Result<Self> {
        if let Some(url) = std::env::var(GIVEN_URL).ok().filter(|url| !url.is_empty()) {
            eprintln!("PostgreSQL: using the server that {GIVEN_URL} names");
            return Ok(Self { url, server: None });
        }
        Self::start_own(workspace, &Programs::ready()?, std::process::id())
    }

    /// `id` names the run's folder: the id of the process that owns it.
    fn start_own(workspace: &Workspace, programs: &Programs, id: u32) -> Result<Self> {
        let runs = folder_of_runs(workspace, programs)?;
        clear_up_after_killed_runs(programs, &runs);
        let run = runs.join(id.to_string());
        // Of another run that has just ended, the folder of runs may be gone again.
        fs::create_dir_all(&run).with_context(|| format!("could not create {}", run.display()))?;
        if !programs.can_own(&run) {
            bail!("could not give {} to the user that runs PostgreSQL", run.display());
        }
        let data = run.join("data");
        process::run_quietly(programs.command("initdb").arg("-D").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]))?;
        let port = Port::free()?;
        let log = fs::File::create(run.join("log")).context("could not create PostgreSQL's log")?;
        let mut command = programs.command("postgres");
        command.arg("-D").arg(&data);
        for setting in settings(port.number) {
            command.arg("-c").arg(setting);
        }
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", port.number);
        eprintln!("PostgreSQL: starting {} at {url}", programs.folder.join("postgres").display());
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("could not share PostgreSQL's log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start `{}`", process::shown(&command)))?;
        let stop = stop_command(programs, &data, "fast");
        let mut server = Server { child, data, run, stop, port };
        server.wait_until_ready()?;
        Ok(Self { url, server: Some(server) })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.take().is_some() {
            eprintln!("PostgreSQL: stopped");
        }
    }
}

impl Server {
    /// The last line of `postmaster.pid` says `ready` once connections are taken.
    fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let state = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            let ended = self.child.try_wait().context("could not ask after PostgreSQL")?;
            if ended.is_some() || begun.elapsed() > START_DEADLINE {
                let log = fs::read_to_string(self.run.join("log")).unwrap_or_default();
                let (port, seconds) = (self.port.number, START_DEADLINE.as_secs());
                bail!("PostgreSQL did not start at port {port} within {seconds} s; its log says:\n{log}");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = process::run_quietly(&mut self.stop);
        if let Err(error) = stopped.and_then(|_| self.child.wait().context("could not wait for PostgreSQL")) {
            eprintln!("PostgreSQL may still be running: {error:#}");
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.run) {
            eprintln!("could not remove {}: {error}", self.run.display());
        }
        if let Some(runs) = self.run.parent() {
            remove_from_temporary(runs);
        }
    }
}

impl Port {
    fn free() -> Result<Self> {
        let connected = || {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            let _other = TcpStream::connect(address)?;
            let (place, _) = listener.accept()?;
            Ok::<_, std::io::Error>(Self { number: address.port(), _place: place })
        };
        connected().context("could not find a free port")
    }
}

fn settings(port: u16) -> [String; 6] {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    [
        format!("port={port}"),
        format!("max_connections={}", CONNECTIONS_MIN.max(cores * CONNECTIONS_PER_CORE)),
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        // No test is about a machine that loses its power, and a disk that many use may stand still for a while.
        "fsync=off".to_owned(),
        "log_min_messages=error".to_owned(),
    ]
}

fn stop_command(programs: &Programs, data: &Path, mode: &str) -> Command {
    let mut command = programs.command("pg_ctl");
    command.args(["stop", "-w", "-t", STOP_SECONDS, "-m", mode, "-D"]).arg(data);
    command
}

/// `target/postgres`, or a folder of the system's temporary one where the server's user cannot reach the target folder.
fn folder_of_runs(workspace: &Workspace, programs: &Programs) -> Result<PathBuf> {
    let name = workspace.target.to_string_lossy().replace(['/', '\\'], "-");
    let candidates = [workspace.target.join("postgres"), std::env::temp_dir().join(format!("servoir-postgres{name}"))];
    for folder in &candidates {
        fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
        if programs.can_own(folder) {
            return Ok(folder.clone());
        }
    }
    bail!("PostgreSQL's user can write to neither {} nor {}", candidates[0].display(), candidates[1].display());
}

/// Removes the folder of runs when it lies in the system's temporary one: nobody else ever would. It stays while there are
/// other runs in it.
fn remove_from_temporary(runs: &Path) {
    if runs.parent().is_some_and(|parent| parent == std::env::temp_dir()) {
        let _ = fs::remove_dir(runs);
    }
}

/// A run that was killed leaves its server running and its folder behind. What cannot be cleared harms nobody.
fn clear_up_after_killed_runs(programs: &Programs, runs: &Path) {
    for run in fs::read_dir(runs).into_iter().flatten().flatten() {
        let name = run.file_name().to_string_lossy().into_owned();
        if name.parse::<u32>().is_err() || is_xtask(&name) {
            continue;
        }
        let data = run.path().join("data");
        if data.join("postmaster.pid").exists() && !process::succeeds(&mut stop_command(programs, &data, "immediate")) {
            eprintln!("PostgreSQL of an earlier run in {} could not be stopped", data.display());
            continue;
        }
        if let Err(error) = fs::remove_dir_all(run.path()) {
            eprintln!("could not remove {}: {error}", run.path().display());
        }
    }
}

/// Whether the process of this id still lives and is one of ours: ids are used again. A killed process that nobody has
/// waited for keeps its name; its command line is gone.
fn is_xtask(id: &str) -> bool {
    let line = fs::read_to_string(format!("/proc/{id}/cmdline")).map_err(anyhow::Error::from);
    let line = line.or_else(|_| process::run_quietly(Command::new("ps").args(["-o", "comm=", "-p", id])));
    line.is_ok_and(|line| is_xtask_command(&line))
}

/// The words of a command line are divided by NUL.
fn is_xtask_command(line: &str) -> bool {
    let program = line.split('\0').next().unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name.to_string_lossy().starts_with("xtask"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    /// No process has this id, as none has that of a run that was killed.
    const NO_PROCESS: u32 = u32::MAX;

    struct Started {
        cluster: Cluster,
        address: String,
        run: PathBuf,
        /// The id of the server's first process.
        process: String,
        /// The server's port, so that nobody else answers there when the server is gone.
        _place: TcpStream,
    }

    fn start(target: &Path, programs: &Programs, id: u32) -> Started {
        let workspace = Workspace { root: target.to_path_buf(), target: target.to_path_buf() };
        let cluster = Cluster::start_own(&workspace, programs, id).unwrap();
        let address = cluster.url().split(['@', '/']).nth(3).unwrap().to_owned();
        let server = cluster.server.as_ref().unwrap();
        let (run, place) = (server.run.clone(), server.port._place.try_clone().unwrap());
        let lock = fs::read_to_string(server.data.join("postmaster.pid")).unwrap();
        let process = lock.lines().next().unwrap().to_owned();
        TcpStream::connect(&address).unwrap();
        Started { cluster, address, run, process, _place: place }
    }

    /// Whether nothing is left: no process, nobody who listens, and no folder.
    fn assert_gone(address: &str, run: &Path, process: &str) {
        // One that nobody has waited for has no command line any more.
        let line = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
        assert!(!line.contains("postgres"), "process {process} is still there: {line:?}");
        assert!(TcpStream::connect(address).is_err(), "{address} still answers");
        assert!(!run.exists(), "{} is still there", run.display());
    }

    #[test]
    fn a_cluster_answers_until_it_is_dropped_and_leaves_nothing() {
        let target = tempfile::tempdir().unwrap();
        let programs = Programs::ready().unwrap();
        let Started { cluster, address, run, process, _place } = start(target.path(), &programs, std::process::id());
        drop(cluster);
        assert_gone(&address, &run, &process);
        let runs = run.parent().unwrap();
        assert!(runs.starts_with(target.path()) || !runs.exists(), "{} is still there", runs.display());
    }

    #[test]
    fn a_live_run_is_told_from_others() {
        let rows = [
            ("/src/target/debug/xtask\0test\0", true),
            ("xtask", true),
            ("", false),
            ("psql\0xtask\0", false),
            ("/src/xtask/other\0", false),
        ];
        for (line, want) in rows {
            assert_eq!(is_xtask_command(line), want, "{line:?}");
        }
        assert!(is_xtask(&std::process::id().to_string()));
        assert!(!is_xtask(&NO_PROCESS.to_string()));
    }

    #[test]
    fn what_a_killed_run_left_is_stopped_and_removed() {
        let target = tempfile::tempdir().unwrap();
        let programs = Programs::ready().unwrap();
        let Started { cluster, address, run, process, _place } = start(target.path(), &programs, NO_PROCESS);
        std::mem::forget(cluster);
        let runs = run.parent().unwrap();
        clear_up_after_killed_runs(&programs, runs);
        assert_gone(&address, &run, &process);
        remove_from_temporary(runs);
    }
}
