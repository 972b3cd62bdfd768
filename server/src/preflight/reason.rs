//! Why a model file did not pass.

use super::watch::Hung;
use crate::error::ApiError;
use servoir_child::{Limits, ending, memory};
use servoir_runtime::LoadError;
use servoir_types::Kind;
use std::fmt;
use std::process::ExitStatus;

/// The outcome of a file that is safe.
pub const SAFE: &str = "safe";
/// Every outcome, as metrics have it.
pub const OUTCOMES: [&str; 6] = [SAFE, "refused", "crashed", "timed-out", "out-of-memory", "unavailable"];
/// How often a file is tried, by itself, that was ended from outside or hung.
const TRIES_MAX: u32 = 2;

/// Why a model file did not pass.
#[derive(Debug, Clone)]
pub enum Reason {
    /// The engine does not take it, in its own words; or no engine is here that could.
    Refused(LoadError),
    /// The process that opened it was ended by a signal.
    Crashed {
        /// Such as `SIGSEGV`.
        signal: &'static str,
        /// It brought the signal upon itself.
        own: bool,
        /// Its last words.
        said: String,
    },
    /// It used up its processor time.
    TimedOut {
        /// How much that was.
        seconds: u64,
    },
    /// It neither ended nor used up its processor time.
    Hung(Hung),
    /// It asked for more memory than it may have.
    OutOfMemory {
        /// How much it may have.
        bytes: u64,
        /// The engine's words, with the node that wanted it, where it has any.
        said: String,
    },
    /// This node could not try it.
    Unavailable(String),
}

/// A file that did not pass.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Why.
    pub reason: Reason,
    /// How often it has been tried.
    pub tries: u32,
}

/// How a child ended that did not say all it was asked.
pub(super) enum Ended {
    /// By itself or by a signal.
    With(ExitStatus),
    /// It was ended, because it hung.
    Hung(Hung),
}

impl Reason {
    /// What the end of a child means that had these limits and these last words.
    pub(super) fn of(ended: &Ended, said: &str, limits: &Limits) -> Self {
        let status = match ended {
            Ended::Hung(hung) => return Self::Hung(*hung),
            Ended::With(status) => status,
        };
        let signal = ending::signal(*status);
        let is_out_of_memory = memory::is_out_of_memory(signal, said);
        let said = last_line(said);
        if is_out_of_memory {
            return Self::OutOfMemory { bytes: limits.memory_bytes_max, said: said.to_owned() };
        }
        match signal {
            Some(signal) if ending::is_cpu_used_up(signal) => {
                Self::TimedOut { seconds: limits.cpu_seconds_max.unwrap_or_default() }
            }
            Some(signal) => Self::Crashed {
                signal: ending::signal_name(signal).unwrap_or("a signal"),
                own: ending::is_own(signal),
                said: said.to_owned(),
            },
            None => Self::Unavailable(format!("the process that tried it ended with {status} and no verdict: {said}")),
        }
    }

    /// `refused`, `crashed`, `timed-out`, `out-of-memory` or `unavailable`.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Crashed { .. } => "crashed",
            Self::TimedOut { .. } | Self::Hung(_) => "timed-out",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Outcome and words, as they are kept with a version.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(error) => format!("{}: {error}", self.outcome()),
            _ => self.to_string(),
        }
    }

    /// Whether it is the file that is wrong, and not this node: another try would end as this one did.
    pub fn is_the_files(&self) -> bool {
        match self {
            Self::Refused(error) => matches!(error, LoadError::Unsupported(_) | LoadError::Rejected { .. }),
            Self::Crashed { own, .. } => *own,
            Self::TimedOut { .. } | Self::OutOfMemory { .. } => true,
            Self::Hung(_) | Self::Unavailable(_) => false,
        }
    }

    /// Whether this process need not try again.
    pub(super) fn lasts(&self) -> bool {
        self.is_the_files() || matches!(self, Self::Refused(LoadError::EngineMissing { .. }))
    }
}

impl Failed {
    /// Whether trying again, without being asked to, makes no sense.
    pub fn is_final(&self) -> bool {
        let is_tried_enough = self.tries >= TRIES_MAX && !matches!(self.reason, Reason::Unavailable(_));
        self.reason.lasts() || is_tried_enough
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = "opened and run once in a process of its own";
        let outcome = self.outcome();
        let (text, said) = match self {
            Self::Refused(error) => return fmt::Display::fmt(error, f),
            Self::Crashed { signal: "SIGKILL", .. } => {
                (format!("{tried}, it was ended by SIGKILL, which the system sends when it runs out of memory"), "")
            }
            Self::Crashed { signal, said, .. } => (format!("{tried}, it was ended by {signal}"), said.as_str()),
            Self::TimedOut { seconds } => {
                (format!("{tried}, it took more than {seconds} s of processor time ('preflight.seconds')"), "")
            }
            Self::Hung(Hung::Idle(time)) => {
                (format!("{tried}, it used no processor time for {} s and did not end", time.as_secs()), "")
            }
            Self::Hung(Hung::Endless(time)) => (format!("{tried}, it had not ended after {} s", time.as_secs()), ""),
            Self::OutOfMemory { bytes, said } => {
                let mebibytes = bytes >> 20;
                let text = format!("{tried}, it wanted more than {mebibytes} MiB of memory ('preflight.memory_bytes')");
                (text, said.as_str())
            }
            Self::Unavailable(why) => (format!("this node could not try the model in a process of its own: {why}"), ""),
        };
        let separator = if said.is_empty() { "" } else { ": " };
        write!(f, "{outcome}: {text}{separator}{said}")
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.reason, f)
    }
}

impl std::error::Error for Failed {}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed.reason {
            Reason::Refused(error) => error.into(),
            reason if reason.is_the_files() => Self::new(Kind::Unprocessable, "version-rejected", reason.to_string()),
            reason => Self {
                retry_after_seconds: Some(5),
                ..Self::new(Kind::Unavailable, "preflight-unavailable", reason.to_string())
            },
        }
    }
}

fn last_line(said: &str) -> &str {
    said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}
