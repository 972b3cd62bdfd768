//! A run's child process: given its job, told to end, and asked why it ended.

use crate::job::Job;
use servoir_child::{Line, Process, Program, Start, ending, memory};
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// What a child is told, as a line, when its run is not wanted any more.
pub const CANCEL_LINE: &str = "cancel";
/// How long a child may take to end when it is told so.
const CANCEL_WITHIN: Duration = Duration::from_secs(1);
/// What of the server's environment a child is given.
const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "TZ", "RUST_BACKTRACE"];

/// Starts a child with a job. `take` is given each line that it writes.
pub(super) async fn start(
    program: &Program,
    job: &Job,
    take: impl FnMut(Line) + Send + 'static,
) -> io::Result<Process> {
    let mut environment: Vec<_> = memory::ENVIRONMENT.map(|(name, value)| (name, value.into())).into();
    environment.push(("TMPDIR", job.output.clone().into()));
    let kept = &ENVIRONMENT;
    Process::start(Start { program, folder: &job.output, kept, environment, job: serde_json::to_vec(job)? }, take).await
}

/// Tells a child to end; one that does not is to be ended.
pub(super) async fn cancel(process: &mut Process) {
    let told = async {
        process.say(CANCEL_LINE.as_bytes()).await?;
        process.wait().await
    };
    if tokio::time::timeout(CANCEL_WITHIN, told).await.is_err() {
        tracing::debug!(pid = process.pid(), "a worker did not end when it was told to");
    }
}

/// Why a child ended that left no result: a code and a sentence.
pub(super) fn explain(status: ExitStatus, said: &str, memory_bytes_max: u64) -> (&'static str, String) {
    let signal = ending::signal(status);
    if memory::is_out_of_memory(signal, said) {
        let message = format!(
            "training needed more than the {} MiB of memory that a run may have ('studio.memory_bytes_max')",
            memory_bytes_max >> 20
        );
        return ("out-of-memory", message);
    }
    let how = match (status.code(), signal) {
        (Some(0), _) => "ended without a result".to_owned(),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        (Some(code), None) => format!("ended with the exit status {code}"),
        (None, None) => "ended".to_owned(),
    };
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator = if said.is_empty() { "" } else { ": " };
    ("crashed", format!("the worker {how}{separator}{said}"))
}
