//! Sound files, cut and with bits flipped: the same ones each time.

use servoir_tests::environment;

/// The files that are damaged, small enough to be sent often.
const SOUND: [&str; 4] =
    ["smallconv/model.onnx", "mlp_softmax/model.onnx", "xgb_json/model.ubj", "lgbm_text/model.txt"];
/// Where files are cut, in per cent of their bytes.
const CUTS: [usize; 5] = [1, 30, 60, 90, 99];
/// Damaged copies of each file, and how many of its bits are flipped.
const FLIPPED: [usize; 8] = [1, 1, 1, 2, 2, 4, 8, 32];

/// Names and contents.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for name in SOUND {
        let sound = std::fs::read(environment::fixtures().join(name)).expect("a fixture");
        for per_cent in CUTS {
            files.push((format!("{name} cut to {per_cent} per cent"), sound[..sound.len() * per_cent / 100].to_vec()));
        }
        for (seed, bits) in (1..).zip(FLIPPED) {
            let mut dice = Dice(seed);
            let mut flipped = sound.clone();
            for _ in 0..bits {
                let place = dice.below(flipped.len());
                flipped[place] ^= 1 << dice.below(8);
            }
            files.push((format!("{name} flipped {seed}"), flipped));
        }
    }
    files
}

/// Numbers that look random, by SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
