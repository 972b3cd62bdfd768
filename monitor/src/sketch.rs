//! Quantiles of any number of values in bounded memory.

use crate::packed;
use datasketches::tdigest::TDigestMut;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The compression: at most about `2k` centroids of 16 bytes each. Ranks are exact at the ends and wrong by less than
/// 0.01 in the middle.
const K: u16 = 200;

/// A t-digest (Dunning and Ertl, 2019), which is finest at the two ends, where drift shows first.
///
/// The same values in the same order give the same sketch, however they were cut into batches; a merge of parts gives
/// nearly, not exactly, the sketch of the whole. Serialised in the format of Apache DataSketches.
#[derive(Debug, Clone)]
pub struct QuantileSketch(TDigestMut);

impl Default for QuantileSketch {
    fn default() -> Self {
        Self(TDigestMut::new(K).expect("k is at least 10"))
    }
}

impl QuantileSketch {
    /// Adds a value; one that is not finite is left out.
    pub fn add(&mut self, value: f64) {
        self.0.update(value);
    }

    /// Adds what another sketch has seen.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// The value below which a share of `rank`, from 0 to 1, of the values lies; `None` of no values.
    pub fn quantile(&self, rank: f64) -> Option<f64> {
        self.0.clone().quantile(rank.clamp(0.0, 1.0)).ok().flatten()
    }

    /// Several quantiles at once.
    pub fn quantiles(&self, ranks: &[f64]) -> Option<Vec<f64>> {
        self.0.clone().quantiles(ranks).ok().flatten()
    }

    /// How many values it has seen.
    pub fn count(&self) -> u64 {
        self.0.total_weight()
    }
}

impl PartialEq for QuantileSketch {
    fn eq(&self, other: &Self) -> bool {
        self.0.clone().serialize() == other.0.clone().serialize()
    }
}

impl Serialize for QuantileSketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        packed::bytes::serialize(&self.0.clone().serialize(), serializer)
    }
}

impl<'de> Deserialize<'de> for QuantileSketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = packed::bytes::deserialize(deserializer)?;
        TDigestMut::deserialize(&bytes).map(Self).map_err(D::Error::custom)
    }
}
