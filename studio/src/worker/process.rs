//! The child process from its first byte of standard input to its exit code.

use super::ended::Ended;
use super::exit::{CANCELLED, DONE, FAILED, UNREADABLE_JOB};
use super::stop::Stop;
use super::{limits, run, script};
use crate::event::Event;
use crate::job::{Job, Line};
use std::io::{BufRead, BufReader, Read, Write};

/// What the parent sets in the environment of the child: the allocator then takes memory as it is used, and not a gigabyte
/// ahead, which would count against the limit.
pub const ENVIRONMENT: [(&str, &str); 1] = [("MIMALLOC_ARENA_EAGER_COMMIT", "0")];

/// The most bytes of a job: it names columns.
const JOB_BYTES_MAX: u64 = 16 << 20;

/// Reads a job from standard input, does it, and tells the exit code that says how it ended.
pub fn main() -> u8 {
    let mut input = BufReader::new(std::io::stdin());
    let job = match read(&mut input).and_then(|job| limits::apply(&job).map(|()| job).map_err(|e| e.to_string())) {
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

fn read(input: &mut impl BufRead) -> Result<Job, String> {
    let mut line = String::new();
    input.take(JOB_BYTES_MAX).read_line(&mut line).map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| error.to_string())
}
