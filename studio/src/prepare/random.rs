//! Random numbers that are the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, 2014): 64 bits of state, every seed as good as another.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each purpose of a seed.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next() ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03);
        Self(start)
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)] // an iterator that never ends would promise less
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 to below `bound`, which is at least 1. The bias is below 2⁻³² for the numbers of rows that exist.
    #[allow(clippy::cast_possible_truncation)] // the upper half of a product with a usize is a usize
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// From 0 to below 1, in steps of 2⁻⁵³.
    #[allow(clippy::cast_precision_loss)] // 53 bits are exact
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Puts a list into random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}
