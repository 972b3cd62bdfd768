//! What one instance has run. Each instance has a recorder of its own, so that no two wait for each other; only a reader
//! meets them there, for as long as it copies.

use crate::statistics::{BatchStatistics, Statistics, Tally};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Batches of up to this many rows are counted each under its own size, larger ones under the next power of two, so that
/// an instance's table has at most this many entries and one for each bit of a size.
pub const EXACT_ROWS_MAX: usize = 512;

/// One run of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Execution {
    /// The rows that ran together.
    pub rows: usize,
    /// Putting the inputs together.
    pub input: Duration,
    /// In the engine.
    pub infer: Duration,
    /// Cutting the outputs apart.
    pub output: Duration,
    /// When the engine had done.
    pub ended: Instant,
}

/// What one instance has run.
#[derive(Default)]
pub struct Recorder(Mutex<Record>);

#[derive(Default)]
struct Record {
    last_inference: Option<Instant>,
    inferences: u64,
    queue: Tally,
    compute_input: Tally,
    compute_infer: Tally,
    compute_output: Tally,
    batches: BTreeMap<usize, BatchStatistics>,
}

impl Recorder {
    /// Records a run that succeeded, and how long each of its requests had been in the queue.
    pub fn ran(&self, execution: Execution, queued: impl ExactSizeIterator<Item = Duration>) {
        let Execution { rows, input, infer, output, ended } = execution;
        let requests = queued.len() as u64;
        let mut record = self.lock();
        record.last_inference = Some(ended);
        record.inferences += rows as u64;
        queued.for_each(|queued| record.queue.add(1, queued));
        record.compute_input.add(requests, input);
        record.compute_infer.add(requests, infer);
        record.compute_output.add(requests, output);
        let batch = record.batches.entry(size_class(rows)).or_default();
        batch.compute_input.add(1, input);
        batch.compute_infer.add(1, infer);
        batch.compute_output.add(1, output);
    }

    /// What the instances have run together; what happened to the requests is another's to count.
    pub fn sum<'a>(recorders: impl Iterator<Item = &'a Self>) -> Statistics {
        let mut sum = Statistics::default();
        let mut batches: BTreeMap<usize, BatchStatistics> = BTreeMap::new();
        let mut last_inference = None;
        for recorder in recorders {
            let record = recorder.lock();
            last_inference = last_inference.max(record.last_inference);
            sum.inferences += record.inferences;
            sum.queue += record.queue;
            sum.compute_input += record.compute_input;
            sum.compute_infer += record.compute_infer;
            sum.compute_output += record.compute_output;
            for (rows, batch) in &record.batches {
                batches.entry(*rows).or_default().merge(batch);
            }
        }
        sum.last_inference_ms = last_inference.map_or(0, since_epoch_ms);
        sum.executions = batches.values().map(|batch| batch.compute_infer.count).sum();
        sum.batches = batches.into_iter().map(|(rows, batch)| BatchStatistics { rows, ..batch }).collect();
        sum
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When this was, in milliseconds since 1970 as the system's clock has it now.
fn since_epoch_ms(then: Instant) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.saturating_sub(then.elapsed()).as_millis()).unwrap_or(u64::MAX)
}

/// The size under which a batch is counted.
fn size_class(rows: usize) -> usize {
    if rows <= EXACT_ROWS_MAX { rows } else { rows.checked_next_power_of_two().unwrap_or(usize::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_add_up() {
        let nanos = Duration::from_nanos;
        let run = |rows, input, infer, output| Execution {
            rows,
            input: nanos(input),
            infer: nanos(infer),
            output: nanos(output),
            ended: Instant::now(),
        };
        let (a, b) = (Recorder::default(), Recorder::default());
        a.ran(run(3, 10, 100, 1), [nanos(5), nanos(7)].into_iter());
        a.ran(run(1, 0, 40, 0), [nanos(1)].into_iter());
        b.ran(run(3, 20, 200, 2), [nanos(9)].into_iter());
        let sum = Recorder::sum([&a, &b].into_iter());
        assert!(sum.last_inference_ms > 0);
        assert_eq!((sum.inferences, sum.executions), (7, 3));
        assert_eq!(sum.queue, Tally { count: 4, nanos: 22 });
        assert_eq!(sum.compute_input, Tally { count: 4, nanos: 40 });
        assert_eq!(sum.compute_infer, Tally { count: 4, nanos: 440 });
        assert_eq!(sum.compute_output, Tally { count: 4, nanos: 4 });
        let of = |rows, count, input, infer, output| BatchStatistics {
            rows,
            compute_input: Tally { count, nanos: input },
            compute_infer: Tally { count, nanos: infer },
            compute_output: Tally { count, nanos: output },
        };
        assert_eq!(sum.batches, [of(1, 1, 0, 40, 0), of(3, 2, 30, 300, 3)]);
        assert_eq!(Recorder::sum(std::iter::empty()), Statistics::default());
    }

    #[test]
    fn the_table_of_sizes_is_bounded() {
        let cases = [(0, 0), (1, 1), (512, 512), (513, 1024), (1024, 1024), (60_000, 65_536), (usize::MAX, usize::MAX)];
        for (rows, expected) in cases {
            assert_eq!(size_class(rows), expected);
        }
    }
}
