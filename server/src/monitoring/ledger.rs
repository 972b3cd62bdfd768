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
    /// How often the clock has been put back since the node began.
    times_put_back: u64,
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
        Self { node, times_put_back: 0, start: bucket_start(now), open: HashMap::new(), waiting: VecDeque::new() }
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
        if bucket_start(now) > self.start {
            self.close(now);
        }
    }

    /// Closes the open buckets because the clock has been put back to `now`: those that follow begin again.
    pub fn put_back(&mut self, now: Timestamp) {
        self.close(now);
        self.times_put_back += 1;
    }

    fn close(&mut self, now: Timestamp) {
        let (start, node) = (self.start, self.written_as());
        let closed = self.open.drain().filter(|(_, open)| open.changed);
        self.waiting.extend(closed.map(|(subject, open)| open.window.to_row(&subject, start, &node)));
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
        let node = self.written_as();
        let rows = changed.map(|(subject, open)| open.window.to_row(subject, self.start, &node));
        self.waiting.iter().cloned().chain(rows).collect()
    }

    /// The name that buckets are written under. One is written in the place of what was written of it before: times that come
    /// again are written under another name, so that what was counted the first time stays.
    fn written_as(&self) -> String {
        match self.times_put_back {
            0 => self.node.clone(),
            times => format!("{}-{times}", self.node),
        }
    }

    /// All of it was written.
    pub fn written(&mut self) {
        self.waiting.clear();
        self.open.values_mut().for_each(|open| open.changed = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::keep::is_put_back;
    use servoir_monitor::BUCKET_SECONDS;
    use servoir_types::ModelId;

    const HOUR_SECONDS: i64 = 3600;

    /// Notes one request of a version and gives the rows that are to be written then.
    fn ask(ledger: &mut Ledger, last: Timestamp, now: Timestamp) -> Vec<BucketRow> {
        let subject = Subject { model: ModelId::from_text("model_m"), version: 1, baseline: None };
        let one = serde_json::json!({"requests": 1, "ok": 1, "rows": 1, "ran": 1, "batchRows": 1.0, "durations": []});
        ledger.note(&subject, &serde_json::from_value(one).expect("a request"));
        if is_put_back(last, now) {
            ledger.put_back(now);
        }
        ledger.turn(now);
        ledger.unwritten()
    }

    #[test]
    fn a_clock_that_jumps_loses_no_bucket_and_writes_none_twice() {
        let noon = bucket_start(Timestamp::from_millis(1_700_000_000_000));
        let after = |seconds: i64| noon.plus_seconds(seconds);
        let mut ledger = Ledger::new("node_n".to_owned(), noon);
        let (mut kept, mut last) = (std::collections::BTreeMap::new(), noon);
        // Where the clock is when a request is noted and written, and where the bucket of that request begins.
        let steps = [
            (10, 0),
            (BUCKET_SECONDS + 10, 0),
            // A little back: the bucket goes on.
            (20, BUCKET_SECONDS),
            // An hour back, and on from there.
            (20 - HOUR_SECONDS, BUCKET_SECONDS),
            (25 - HOUR_SECONDS, -HOUR_SECONDS),
            (30 - HOUR_SECONDS + BUCKET_SECONDS, -HOUR_SECONDS),
            // Forward by a day.
            (24 * HOUR_SECONDS, BUCKET_SECONDS - HOUR_SECONDS),
            (24 * HOUR_SECONDS + 10, 24 * HOUR_SECONDS),
            // Back again: the same minutes as at first.
            (10, 24 * HOUR_SECONDS),
            (15, 0),
        ];
        for (number, (now, bucket)) in steps.into_iter().enumerate() {
            let rows = ask(&mut ledger, last, after(now));
            last = after(now);
            assert!(rows.iter().any(|row| row.start == after(bucket)), "step {number}: {rows:?}");
            for row in rows {
                let requests =
                    super::super::buckets::traffic(std::slice::from_ref(&row.service)).expect("sound").requests();
                kept.insert((row.start.as_millis(), row.node), requests);
            }
            ledger.written();
        }
        assert_eq!(kept.values().sum::<u64>(), steps.len() as u64, "{kept:?}");
    }
}
