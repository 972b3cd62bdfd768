//! What was counted on this node and is not written yet: the open buckets, and closed ones while the database is away.

use super::buckets::Window;
use super::tap::{Subject, VersionTap};
use crate::telemetry::metrics::Traffic;
use servoir_monitor::bucket_start;
use servoir_registry::BucketRow;
use servoir_types::Timestamp;
use std::collections::{HashMap, VecDeque};

/// Closed buckets that wait for the database; of more, the oldest are lost.
const WAITING_MAX: usize = 4096;

/// What was counted on this node and is not written yet.
pub struct Ledger {
    node: String,
    /// The first moment of the open buckets.
    start: Timestamp,
    open: HashMap<Subject, Open>,
    waiting: VecDeque<BucketRow>,
}

/// The bucket of the present five minutes.
#[derive(Default)]
struct Open {
    window: Window,
    changed: bool,
}

impl Ledger {
    /// Of a node whose name no other run of a server has.
    pub fn new(node: String, now: Timestamp) -> Self {
        Self { node, start: bucket_start(now), open: HashMap::new(), waiting: VecDeque::new() }
    }

    /// Takes over what a tap has counted.
    pub fn take(&mut self, tap: &VersionTap) {
        let Some(counts) = tap.drain() else { return };
        let open = self.open.entry(tap.subject.clone()).or_default();
        match &mut open.window.counts {
            Some(all) => all.merge(&counts),
            none => *none = Some(counts),
        }
        open.changed = true;
    }

    /// Notes requests of a version.
    pub fn note(&mut self, subject: &Subject, traffic: &Traffic) {
        if traffic.requests() > 0 {
            let open = self.open.entry(subject.clone()).or_default();
            open.window.traffic.add(traffic);
            open.changed = true;
        }
    }

    /// Closes the open buckets when their five minutes are over.
    pub fn turn(&mut self, now: Timestamp) {
        if bucket_start(now) <= self.start {
            return;
        }
        let (start, node) = (self.start, &self.node);
        let closed = self.open.drain().filter(|(_, open)| open.changed);
        self.waiting.extend(closed.map(|(subject, open)| open.window.to_row(&subject, start, node)));
        self.start = bucket_start(now);
        let lost = self.waiting.len().saturating_sub(WAITING_MAX);
        if lost > 0 {
            tracing::warn!(lost, "counts of versions' traffic are lost: the database has been away for too long");
            self.waiting.drain(..lost);
        }
    }

    /// What is to be written: all that has changed since it last was.
    pub fn unwritten(&self) -> Vec<BucketRow> {
        let changed = self.open.iter().filter(|(_, open)| open.changed);
        let rows = changed.map(|(subject, open)| open.window.to_row(subject, self.start, &self.node));
        self.waiting.iter().cloned().chain(rows).collect()
    }

    /// All of it was written.
    pub fn written(&mut self) {
        self.waiting.clear();
        self.open.values_mut().for_each(|open| open.changed = false);
    }
}
