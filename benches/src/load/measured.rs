//! What a load saw.

use super::message::Answer;
use crate::process::Usage;
use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Latencies are kept to three digits.
const DIGITS: u8 = 3;
/// The longest latency that is told from longer ones, in nanoseconds: ten minutes.
const LATENCY_MAX: u64 = 600_000_000_000;

/// One answer that is compared with the expected one.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// Which of the plan's requests it answers.
    pub request: usize,
    /// The answer.
    pub answer: Answer,
}

/// What a load saw between its begin and its end.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Connections.
    pub connections: usize,
    /// How long was counted.
    pub duration: Duration,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections that broke with a request on them, by reason.
    pub broken: BTreeMap<String, u64>,
    /// Requests of an open loop that were due and not answered seconds after the end.
    pub unanswered: u64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
    /// Answers that were compared with those of the same requests alone, and are equal.
    pub checked: usize,
    /// Processor time of the server.
    pub server_cpu: Usage,
    /// Processor time of the load itself.
    pub own_cpu: Duration,
    /// Resident memory of the server at the end, in bytes.
    pub resident_bytes: u64,
    /// In nanoseconds.
    latencies: Histogram<u64>,
    pub(super) samples: Vec<Sample>,
}

impl Measured {
    pub(super) fn new(connections: usize, duration: Duration) -> Result<Self> {
        Ok(Self {
            connections,
            duration,
            statuses: BTreeMap::new(),
            broken: BTreeMap::new(),
            unanswered: 0,
            bytes: 0,
            checked: 0,
            server_cpu: Usage::default(),
            own_cpu: Duration::ZERO,
            resident_bytes: 0,
            latencies: Histogram::new_with_max(LATENCY_MAX, DIGITS)?,
            samples: Vec::new(),
        })
    }

    pub(super) fn answered(&mut self, status: u16, bytes: usize) {
        *self.statuses.entry(status).or_default() += 1;
        self.bytes += bytes as u64;
    }

    pub(super) fn latency(&mut self, latency: Duration) {
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds what another thread saw.
    pub(super) fn add(&mut self, other: Self) -> Result<()> {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        for (reason, count) in other.broken {
            *self.broken.entry(reason).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.bytes += other.bytes;
        self.latencies.add(other.latencies)?;
        self.samples.extend(other.samples);
        Ok(())
    }

    /// Requests that were answered.
    pub(super) fn answers(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Requests that were answered with 200.
    pub fn succeeded(&self) -> u64 {
        self.statuses.get(&200).copied().unwrap_or_default()
    }

    /// Requests per second that were answered with 200.
    pub fn per_second(&self) -> f64 {
        self.succeeded() as f64 / self.duration.as_secs_f64()
    }

    /// A quantile of the latencies, in microseconds.
    pub fn quantile_us(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64 / 1e3
    }

    /// Microseconds of the server's processor time per request.
    pub fn server_cpu_us(&self) -> f64 {
        self.server_cpu.all.as_secs_f64() * 1e6 / self.succeeded() as f64
    }

    /// How much of that is the system's: reading and writing sockets, waking threads.
    pub fn server_system_us(&self) -> f64 {
        self.server_cpu.system.as_secs_f64() * 1e6 / self.succeeded() as f64
    }

    /// Resident memory of the server in megabytes of 10^6 bytes.
    pub fn resident_megabytes(&self) -> f64 {
        self.resident_bytes as f64 / 1e6
    }

    /// All of it, times in microseconds.
    pub fn to_json(&self) -> Value {
        let own_cpu_us = self.own_cpu.as_secs_f64() * 1e6 / self.succeeded() as f64;
        json!({
            "connections": self.connections, "seconds": self.duration.as_secs_f64(),
            "requests": self.succeeded(), "requestsPerSecond": self.per_second(),
            "p50Us": self.quantile_us(0.5), "p90Us": self.quantile_us(0.9), "p99Us": self.quantile_us(0.99),
            "p999Us": self.quantile_us(0.999), "maxUs": self.latencies.max() as f64 / 1e3,
            "statuses": self.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect::<BTreeMap<_, _>>(),
            "broken": self.broken, "unanswered": self.unanswered, "bytes": self.bytes, "checked": self.checked,
            "serverCpuUsPerRequest": self.server_cpu_us(), "serverSystemUsPerRequest": self.server_system_us(),
            "loadCpuUsPerRequest": own_cpu_us,
            "residentMb": self.resident_megabytes(),
        })
    }
}
