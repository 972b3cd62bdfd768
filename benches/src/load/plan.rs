//! What a load is.

use super::message::{Target, exchange};
use crate::process::{Usage, resident_bytes};
use anyhow::{Context as _, Result};
use std::time::Duration;

/// Load before anything is counted, unless a plan says otherwise.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long an open loop waits for what is missing, unless a plan says otherwise.
const DRAIN: Duration = Duration::from_secs(5);

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each connection sends its next request when its last was answered.
    Closed,
    /// This many requests per second, evenly, whatever the server does; those that find no free connection wait for one,
    /// and their latency counts from the moment they were to be sent.
    Open(f64),
}

/// A load.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the server is.
    pub target: Target,
    /// Whole requests, head and body; they are sent in turn.
    pub requests: Vec<Vec<u8>>,
    /// Connections that are kept open.
    pub connections: usize,
    /// Threads that share them.
    pub threads: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// Load before anything is counted.
    pub warm_up: Duration,
    /// How long is counted.
    pub duration: Duration,
    /// A closed loop ends before when each of its threads has counted so many answers.
    pub answers_max: Option<u64>,
    /// How long an open loop then waits for what was due in time and is not answered yet.
    pub drain: Duration,
    /// Whose processor time and memory are measured.
    pub watched: Watched,
}

impl Plan {
    /// A closed loop of one thread that ends by the clock, a second of warm-up and nobody watched.
    pub fn new(target: Target, requests: Vec<Vec<u8>>, connections: usize, duration: Duration) -> Self {
        Self {
            target,
            requests,
            connections,
            threads: 1,
            pace: Pace::Closed,
            warm_up: WARM_UP.min(duration),
            duration,
            answers_max: None,
            drain: DRAIN,
            watched: Watched::Nobody,
        }
    }
}

/// Whose processor time and memory are measured.
#[derive(Debug, Clone)]
pub enum Watched {
    /// Nobody's: the server is on another machine and tells nothing.
    Nobody,
    /// A process of this machine with all its descendants.
    Process(u32),
    /// Whoever publishes `process_cpu_seconds_total` and
    /// `process_resident_memory_bytes` there.
    Metrics(Target),
}

impl Watched {
    /// Processor time so far.
    pub(super) fn read(&self) -> Result<Usage> {
        match self {
            Self::Nobody => Ok(Usage::default()),
            Self::Process(id) => Usage::of(*id),
            Self::Metrics(target) => Ok(Usage::seconds(metric(target, "process_cpu_seconds_total")?)),
        }
    }

    /// Resident memory now; 0 where nobody is watched.
    pub(super) fn resident_bytes(&self) -> Result<u64> {
        match self {
            Self::Nobody => Ok(0),
            Self::Process(id) => resident_bytes(*id),
            Self::Metrics(target) => Ok(metric(target, "process_resident_memory_bytes")? as u64),
        }
    }
}

fn metric(target: &Target, name: &str) -> Result<f64> {
    let answer = exchange(target.address, &target.get())?;
    let text = String::from_utf8(answer.body)?;
    let value_of = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix("_total").unwrap_or(rest).strip_prefix(' ')?.trim().parse().ok()
    };
    let value = text.lines().find_map(value_of);
    value.with_context(|| format!("no {name} at {}{}", target.address, target.path))
}
