//! A model's place in the serving table: what is live, read with one atomic load and replaced with one atomic store.

use crate::deployment::Deployment;
use arc_swap::ArcSwapOption;
use servoir_types::ModelId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What answers for a model: one live version, and beside it a canary, a shadow, or versions that are addressed by number.
#[derive(Debug, Clone)]
pub struct Live {
    /// Answers.
    pub primary: Arc<Deployment>,
    /// Takes this share of the requests, in per cent.
    pub canary: Option<(u8, Arc<Deployment>)>,
    /// Is sent a copy of the requests; its answers are thrown away.
    pub shadow: Option<Arc<Deployment>>,
    /// Answer only when they are addressed by their number.
    pub also: Vec<Arc<Deployment>>,
}

impl Live {
    /// All of them.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        let canary = self.canary.iter().map(|(_, canary)| canary);
        std::iter::once(&self.primary).chain(canary).chain(&self.shadow).chain(&self.also)
    }
}

/// A model's place in the serving table: found by id or name, swapped in one atomic store.
pub struct Entry {
    model: ModelId,
    live: ArcSwapOption<Live>,
    /// Counts requests, so that a canary's share is spread evenly over them.
    turn: AtomicU64,
}

impl Entry {
    pub(crate) fn new(model: ModelId, live: Live) -> Self {
        Self { model, live: ArcSwapOption::from_pointee(live), turn: AtomicU64::new(0) }
    }

    /// The model.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// One atomic load: what is live now, held for as long as the caller keeps it. `None`: nothing is.
    pub fn live(&self) -> Option<Arc<Live>> {
        self.live.load_full()
    }

    /// The deployment that takes this request: the primary, or the canary for its share.
    pub fn choose(&self) -> Option<Arc<Deployment>> {
        self.live.load().as_ref().map(|live| self.choose_of(live))
    }

    /// The same for a caller that holds what is live: the primary, or the canary for its share.
    pub fn choose_of(&self, live: &Live) -> Arc<Deployment> {
        let chosen = match &live.canary {
            Some((percent, canary)) if is_canary_turn(self.turn.fetch_add(1, Ordering::Relaxed), *percent) => canary,
            _ => &live.primary,
        };
        Arc::clone(chosen)
    }

    pub(crate) fn swap(&self, live: Option<Live>) -> Option<Arc<Live>> {
        self.live.swap(live.map(Arc::new))
    }
}

/// Whether the canary takes request `turn`: of any hundred in a row it takes `percent`, as evenly spaced as can be.
fn is_canary_turn(turn: u64, percent: u8) -> bool {
    let share = u64::from(percent.min(100));
    (turn % 100) * share / 100 != (turn % 100 + 1) * share / 100
}

#[cfg(test)]
mod tests {
    use super::is_canary_turn;

    #[test]
    fn the_canary_takes_its_share_evenly() {
        for percent in 0..=100u8 {
            let taken: Vec<u64> = (0..1000).filter(|&turn| is_canary_turn(turn, percent)).collect();
            assert_eq!(taken.len(), usize::from(percent) * 10, "{percent} %");
            if percent > 0 {
                let widest = taken.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
                assert!(widest <= 100 / u64::from(percent) + 1, "{percent} %: {widest} requests between two");
            }
        }
        assert!(is_canary_turn(7, 255));
    }
}
