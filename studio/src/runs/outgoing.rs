//! Events between a child and the registry: the child never waits for the registry, and what comes faster than it can be
//! kept is thinned.

use super::frame::bounded;
use crate::event::{Event, Level, Phase};
use servoir_types::Timestamp;
use std::collections::BTreeMap;

/// The most events that wait. They are taken ten times a second.
const WAITING_MAX: usize = 128;
/// The most frames of a run. Beyond it only progress is kept, and what a run ends with.
const FRAMES_MAX: u64 = 100_000;

/// Events that wait to be stored.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting: Vec<(Timestamp, Event)>,
    left_out: u64,
    taken: u64,
}

impl Outgoing {
    /// Takes an event. When too many wait, every second of their metrics goes, and of their progress all but the newest of
    /// each stage.
    pub(super) fn push(&mut self, event: Event) {
        let event = bounded(event);
        let phase = phase_of(&event);
        if self.taken > FRAMES_MAX && phase.is_none() {
            self.left_out += 1;
            return;
        }
        if phase.is_some() && self.waiting.last().is_some_and(|(_, last)| phase_of(last) == phase) {
            self.waiting.pop();
        }
        if self.waiting.len() == WAITING_MAX {
            self.thin();
        }
        if self.waiting.len() == WAITING_MAX {
            // All that waits is lines of the log.
            self.left_out += 1;
            return;
        }
        self.waiting.push((Timestamp::now(), event));
    }

    /// Everything that waits, in its order.
    pub(super) fn take(&mut self) -> Vec<(Timestamp, Event)> {
        let mut taken = std::mem::take(&mut self.waiting);
        if self.left_out > 0 && self.taken <= FRAMES_MAX {
            let message = format!("{} events came faster than they can be kept and were left out", self.left_out);
            taken.push((Timestamp::now(), Event::Log { level: Level::Warning, message }));
            self.left_out = 0;
        }
        self.taken += taken.len() as u64;
        taken
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && (self.left_out == 0 || self.taken > FRAMES_MAX)
    }

    fn thin(&mut self) {
        let before = self.waiting.len();
        let mut newest_progress = BTreeMap::new();
        for (index, (_, event)) in self.waiting.iter().enumerate() {
            if let Some(phase) = phase_of(event) {
                newest_progress.insert(phase, index);
            }
        }
        let newest_metrics = self.waiting.iter().rposition(|(_, event)| matches!(event, Event::Metrics { .. }));
        let (mut index, mut metrics) = (0, 0);
        self.waiting.retain(|(_, event)| {
            let place = Some(index);
            index += 1;
            match event {
                Event::Progress { phase, .. } => place == newest_progress.get(phase).copied(),
                Event::Metrics { .. } => {
                    metrics += 1;
                    metrics % 2 == 1 || place == newest_metrics
                }
                _ => true,
            }
        });
        self.left_out += (before - self.waiting.len()) as u64;
    }
}

/// The stage that a progress is of.
fn phase_of(event: &Event) -> Option<Phase> {
    match event {
        Event::Progress { phase, .. } => Some(*phase),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(epoch: u64) -> Event {
        let metrics = BTreeMap::from([("loss".to_owned(), 1.0), ("bad".to_owned(), f64::NAN)]);
        Event::Metrics { epoch, total_epochs: 10, candidate: None, metrics }
    }

    fn progress(percent: f64) -> Event {
        Event::Progress { phase: Phase::AlgorithmSearch, progress: percent, message: String::new(), eta_seconds: None }
    }

    fn log() -> Event {
        Event::Log { level: Level::Info, message: "x".repeat(1 << 20) }
    }

    #[test]
    fn a_flood_is_thinned_and_its_end_is_kept() {
        let mut outgoing = Outgoing::default();
        for epoch in 1..=100_000 {
            outgoing.push(metrics(epoch));
            outgoing.push(progress(epoch as f64 / 1000.0));
        }
        let taken = outgoing.take();
        assert!(taken.len() <= WAITING_MAX + 1, "{}", taken.len());
        let epochs: Vec<u64> = taken
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Metrics { epoch, metrics, .. } => {
                    assert_eq!(metrics.len(), 1, "what is not finite is not sent");
                    Some(*epoch)
                }
                _ => None,
            })
            .collect();
        assert!(epochs.is_sorted_by(|a, b| a < b) && epochs.first() == Some(&1), "{epochs:?}");
        assert_eq!(epochs.last(), Some(&100_000));
        let last_progress = taken.iter().rev().find(|(_, event)| matches!(event, Event::Progress { .. }));
        assert_eq!(last_progress.map(|(_, event)| event.clone()), Some(progress(100.0)));
        assert!(matches!(&taken.last().unwrap().1, Event::Log { message, .. } if message.contains("left out")));
        assert!(outgoing.take().is_empty(), "said once");
    }

    #[test]
    fn logs_are_bounded_in_number_and_length() {
        let mut outgoing = Outgoing::default();
        for _ in 0..1000 {
            outgoing.push(log());
        }
        let taken = outgoing.take();
        assert_eq!(taken.len(), WAITING_MAX + 1);
        assert!(taken.iter().all(|(_, event)| matches!(event, Event::Log { message, .. } if message.len() <= 2048)));
    }

    #[test]
    fn an_endless_run_keeps_its_progress_alone() {
        let mut outgoing = Outgoing::default();
        for epoch in 0..FRAMES_MAX + 500 {
            outgoing.push(metrics(epoch));
            if epoch % 100 == 0 {
                outgoing.take();
            }
        }
        outgoing.take();
        outgoing.push(log());
        outgoing.push(progress(50.0));
        let taken: Vec<Event> = outgoing.take().into_iter().map(|(_, event)| event).collect();
        assert_eq!(taken, [progress(50.0)]);
    }
}
