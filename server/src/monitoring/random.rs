//! Random numbers for samples: which rows they hold is no secret, and drawing costs a few instructions.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Default)]
pub struct Random(u64);

impl Random {
    /// A sequence that no other has.
    pub fn seeded() -> Self {
        // The hasher of the standard library is seeded by the operating system, each one otherwise.
        Self(std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0))
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 2f64.powi(53)
    }
}
