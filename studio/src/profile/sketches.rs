//! What is known of a column's values when they are too many to count one by one.

use super::key::Key;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType};
use datasketches::tdigest::TDigestMut;

/// Registers of HyperLogLog as a power of two: 4 KiB, standard error 1.04 / √4096 = 1.6 %.
const HLL_LOG: u8 = 12;
/// Compression of the t-digest: 4 KiB.
const DIGEST_K: u16 = 200;

/// How large the sketch of frequent values is.
#[derive(Debug, Clone, Copy)]
pub enum Capacity {
    /// For files of many columns.
    Small,
    /// For others.
    Large,
}

impl Capacity {
    /// Places of its table, a power of two.
    fn places(self) -> usize {
        match self {
            Self::Small => 64,
            Self::Large => 1024,
        }
    }
}

/// Sketches of a column's values.
pub struct Sketches<K> {
    distinct: HllSketch,
    frequent: FrequentItemsSketch<K>,
    quantiles: TDigestMut,
}

impl<K: Key> Sketches<K> {
    /// Of values that were counted.
    pub fn of(counts: &[(K, u64)], capacity: Capacity) -> Self {
        const FITTING: &str = "the sizes are constants that the sketches take";
        let mut sketches = Self {
            distinct: HllSketch::new(HLL_LOG, HllType::Hll8).expect(FITTING),
            frequent: FrequentItemsSketch::new(capacity.places()).expect(FITTING),
            quantiles: TDigestMut::new(DIGEST_K).expect(FITTING),
        };
        for (value, count) in counts {
            sketches.distinct.update::<&K::View>(value.borrow());
            sketches.frequent.update_with_count(value.clone(), *count);
            if let Some(number) = K::number(value.borrow()) {
                (0..*count).for_each(|_| sketches.quantiles.update(number));
            }
        }
        sketches
    }

    /// Another value.
    pub fn add(&mut self, value: &K::View) {
        self.distinct.update(value);
        self.frequent.update_ref(value);
        if let Some(number) = K::number(value) {
            self.quantiles.update(number);
        }
    }

    /// How many values differ, about.
    pub fn distinct(&self) -> u64 {
        self.distinct.estimate().round() as u64
    }

    /// Values that certainly are among the most frequent, with about how often they come.
    pub fn frequent(&self) -> Vec<(K, u64)> {
        let rows = self.frequent.frequent_items(ErrorType::NoFalsePositives);
        rows.into_iter().map(|row| (row.item().clone(), row.estimate())).collect()
    }

    /// Values below which about these shares of all values lie.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let found = self.quantiles.clone().quantiles(&shares).ok()??;
        found.try_into().ok()
    }
}
