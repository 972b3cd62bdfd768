//! The child process from its first byte of standard input to its exit code.

use super::ended::Ended;
use super::exit::{CANCELLED, DONE, FAILED, UNREADABLE_JOB};
use super::stop::Stop;
use super::{run, script};
use crate::event::Event;
use crate::job::{Job, Line};
use servoir_child::Limits;
use std::io::{BufRead, BufReader, Read, Write};

/// The most bytes of a job: it names columns.
const JOB_BYTES_MAX: u64 = 16 << 20;

/// Reads a job from standard input, does it, and tells the exit code that says how it ended.
pub fn main() -> u8 {
    let mut input = BufReader::new(std::io::stdin());
    let job = match read(&mut input).and_then(|job| limits(&job).apply().map(|()| job).map_err(|e| e.to_string())) {
        Ok(job) => job,
        Err(reason) => {
            eprintln!("error: no job: {reason}");
            return UNREADABLE_JOB;
        }
    };
    let stop = Stop::default();
    let asked = stop.clone();
    let listening = std::thread::Builder::new().spawn(move || asked.listen(&mut input));
    let ended = match (listening, &job.script) {
        (Ok(_), Some(script)) => script::run(&job, script, &stop, std::io::stdout()),
        (Ok(_), None) => run::run(&job, &stop, std::io::stdout()).map(drop),
        (Err(error), _) => {
            let message = format!("a thread could not be started within the memory limit: {error}");
            Err(Ended::Failed { code: "out-of-memory", message })
        }
    };
    let (event, code) = match ended {
        Ok(()) => return DONE,
        Err(Ended::Cancelled) => (Event::Cancelled, CANCELLED),
        Err(Ended::Failed { code, message }) => (Event::Failed { code: code.into(), message }, FAILED),
    };
    if let Ok(line) = serde_json::to_string(&Line::Event(event)) {
        // A parent that does not listen any more has ended.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    code
}

/// A script's processor time is limited too; a learner's is the run's own time.
fn limits(job: &Job) -> Limits {
    Limits {
        memory_bytes_max: job.memory_bytes_max,
        cpu_seconds_max: job.script.as_ref().map(|script| script.cpu_seconds_max),
        nice: job.nice,
    }
}

fn read(input: &mut impl BufRead) -> Result<Job, String> {
    let mut line = String::new();
    input.take(JOB_BYTES_MAX).read_line(&mut line).map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| error.to_string())
}
