//! A model's place in the serving table: what is live, read with one atomic load and replaced with one atomic store.

use crate::deployment::Deployment;
use arc_swap::ArcSwapOption;
use servoir_types::{Digest, ModelId};
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
        self.live.load().as_ref().map(|live| self.choose_of(live, None))
    }

    /// The same for a caller that holds what is live: the primary, or the canary for its share. What is about one entity always
    /// goes to the same of the two, on every node; what is about none goes by turns.
    pub fn choose_of(&self, live: &Live, entity: Option<&[u8]>) -> Arc<Deployment> {
        let Some((percent, canary)) = &live.canary else { return Arc::clone(&live.primary) };
        let is_canary = match entity {
            Some(entity) => is_canary_entity((&self.model, canary.identity().version), entity, *percent),
            None => is_canary_turn(self.turn.fetch_add(1, Ordering::Relaxed), *percent),
        };
        Arc::clone(if is_canary { canary } else { &live.primary })
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

/// Whether the canary takes what is about an entity. The first 64 bits of the SHA-256 of the model's id, a zero byte, the
/// canary's version (64 bits, big-endian) and the entity are one point for each entity, spread evenly: the canary takes those below
/// `percent` of all. So a share that grows keeps the entities that it had, and another canary takes others.
fn is_canary_entity((model, version): (&ModelId, u64), entity: &[u8], percent: u8) -> bool {
    let digest = Digest::of_all([model.as_str().as_bytes(), &[0], &version.to_be_bytes(), entity]);
    let point = digest.as_bytes().iter().take(8).fold(0, |point: u64, &byte| point << 8 | u64::from(byte));
    u128::from(point) * 100 < u128::from(percent.min(100)) << u64::BITS
}

#[cfg(test)]
mod tests {
    use super::{is_canary_entity, is_canary_turn};
    use servoir_types::ModelId;
    use std::collections::BTreeSet;

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

    /// Of 20,000 entities those that a canary of this version takes.
    fn taken(model: &str, version: u64, percent: u8) -> BTreeSet<u32> {
        let model = ModelId::from_text(model);
        let is_taken =
            |entity: &u32| is_canary_entity((&model, version), format!("customer-{entity}").as_bytes(), percent);
        (0..20_000).filter(is_taken).collect()
    }

    #[test]
    fn the_canary_takes_its_share_of_the_entities() {
        for (percent, expected) in
            [(0u8, 0.0), (1, 200.0), (10, 2000.0), (50, 10_000.0), (99, 19_800.0), (100, 20_000.0)]
        {
            let share = f64::from(percent) / 100.0;
            // Four standard deviations of a binomial count.
            let margin = 4.0 * (20_000.0 * share * (1.0 - share)).sqrt();
            let count = taken("model_m", 2, percent).len() as f64;
            assert!((count - expected).abs() <= margin, "{percent} %: {count}");
        }
    }

    #[test]
    fn an_entity_stays_as_the_share_grows_and_other_canaries_take_others() {
        let tenth = taken("model_m", 2, 10);
        assert!(tenth.is_subset(&taken("model_m", 2, 30)));
        for others in [taken("model_m", 3, 10), taken("model_n", 2, 10)] {
            // Independent tenths share a hundredth: 200, with a standard deviation of 14.
            let shared = tenth.intersection(&others).count();
            assert!((144..=256).contains(&shared), "{shared}");
        }
    }

    #[test]
    fn the_choice_can_be_computed_elsewhere() {
        // Python: hashlib.sha256(b"model_m\0" + (2).to_bytes(8, "big") + b"customer-0").hexdigest()[:16]
        let point = 0x3af3_3d39_ad0f_9c48_u64;
        let percent = ((u128::from(point) * 100) >> 64) as u8;
        let model = ModelId::from_text("model_m");
        let is_taken = |percent| is_canary_entity((&model, 2), b"customer-0", percent);
        assert_eq!((is_taken(percent), is_taken(percent + 1)), (false, true));
    }
}
