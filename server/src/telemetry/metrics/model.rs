//! What is counted of one version of one model, by each thread for itself.

use super::{Metrics, Protocol, request_labels};
use prometheus::local::{LocalHistogram, LocalIntCounter};
use prometheus::{Histogram, IntCounter};
use servoir_runtime::{Identity, PerThread, threads};
use std::time::Duration;

/// What is shown of one version of one model, and what the threads have counted since it was last added up.
pub struct ModelMetrics {
    pub ok: [IntCounter; 3],
    pub duration: [Histogram; 3],
    queue_time: Histogram,
    compute_time: Histogram,
    pub batch_rows: Histogram,
    pub rows: IntCounter,
    /// `None`: the thread has counted nothing yet.
    counted: PerThread<Option<Counted>>,
}

/// What one thread has counted since it was last added up.
struct Counted {
    ok: [LocalIntCounter; 3],
    duration: [LocalHistogram; 3],
    queue_time: LocalHistogram,
    compute_time: LocalHistogram,
    batch_rows: LocalHistogram,
    rows: LocalIntCounter,
}

/// Time in the queue, time in the engine and rows of the batch.
type Run = (Duration, Duration, usize);

impl ModelMetrics {
    /// The series of a version, at zero when they are new.
    pub fn new(metrics: &Metrics, identity: &Identity) -> Self {
        let version = identity.version.to_string();
        let labels = [identity.name.as_str(), identity.model.as_str(), &version];
        let with_protocol = |protocol: Protocol| [labels[0], labels[1], labels[2], protocol.as_str()];
        let ok = |protocol| metrics.requests.with_label_values(&request_labels(Some(identity), protocol, "200"));
        Self {
            ok: Protocol::ALL.map(ok),
            duration: Protocol::ALL.map(|protocol| metrics.durations.with_label_values(&with_protocol(protocol))),
            queue_time: metrics.queue_times.with_label_values(&labels),
            compute_time: metrics.compute_times.with_label_values(&labels),
            batch_rows: metrics.batch_rows.with_label_values(&labels),
            rows: metrics.rows.with_label_values(&labels),
            counted: PerThread::new((0..threads()).map(|_| None)),
        }
    }

    /// Counts an answer: whether it was 200, how long it took, and, when the model ran, how, and for how many rows.
    pub fn count(&self, protocol: Protocol, (is_ok, elapsed): (bool, Duration), run: Option<(Run, usize)>) {
        let mut counted = self.counted.any().value;
        let counted = counted.get_or_insert_with(|| Counted::new(self));
        if is_ok {
            counted.ok[protocol as usize].inc();
        }
        counted.duration[protocol as usize].observe(elapsed.as_secs_f64());
        if let Some(((queued, computed, batch_rows), rows)) = run {
            counted.queue_time.observe(queued.as_secs_f64());
            counted.compute_time.observe(computed.as_secs_f64());
            counted.batch_rows.observe(batch_rows as f64);
            counted.rows.inc_by(rows as u64);
        }
    }

    /// Adds what the threads have counted to what is shown.
    pub fn add_up(&self) {
        for mut counted in self.counted.all() {
            if let Some(counted) = &mut *counted {
                counted.flush();
            }
        }
    }
}

impl Counted {
    fn new(shown: &ModelMetrics) -> Self {
        Self {
            ok: shown.ok.each_ref().map(IntCounter::local),
            duration: shown.duration.each_ref().map(Histogram::local),
            queue_time: shown.queue_time.local(),
            compute_time: shown.compute_time.local(),
            batch_rows: shown.batch_rows.local(),
            rows: shown.rows.local(),
        }
    }

    fn flush(&self) {
        self.ok.iter().chain([&self.rows]).for_each(LocalIntCounter::flush);
        let histograms = self.duration.iter().chain([&self.queue_time, &self.compute_time, &self.batch_rows]);
        histograms.for_each(LocalHistogram::flush);
    }
}
