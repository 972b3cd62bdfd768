//! What the suites share: the goldens, made by `python/monitor/goldens.py`, and random numbers.

#![allow(dead_code)] // each suite uses its part

use serde_json::Value;
use std::path::PathBuf;

fn folder() -> PathBuf {
    const NAME: &str = "SERVOIR_TEST_MONITOR";
    let value = std::env::var_os(NAME);
    PathBuf::from(value.unwrap_or_else(|| panic!("{NAME} is not set: run the tests through `cargo xtask test`")))
}

/// One list of the goldens.
pub fn goldens(name: &str) -> Value {
    let text = std::fs::read(folder().join("goldens.json")).expect("the goldens are there");
    let goldens: Value = serde_json::from_slice(&text).expect("the goldens are JSON");
    goldens[name].clone()
}

/// The rows of one list of the goldens.
pub fn rows(name: &str) -> Vec<Value> {
    goldens(name).as_array().unwrap_or_else(|| panic!("{name} is a list")).clone()
}

/// A sample that a golden names.
pub fn sample(name: &Value) -> Vec<f64> {
    let name = name.as_str().expect("samples have names");
    let bytes = std::fs::read(folder().join("samples").join(format!("{name}.f64"))).expect("the sample is there");
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}

/// Random numbers, the same in every run: SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Of mean 0 and standard deviation 1, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
