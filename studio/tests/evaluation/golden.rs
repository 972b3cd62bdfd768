//! What the oracles said, read from the fixtures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// How far a number may be from the oracle's: relative, with an absolute part for what is next to nothing.
pub const RELATIVE: f64 = 1e-9;
const ABSOLUTE: f64 = 1e-12;

/// All cases of one file.
pub fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let folder = std::env::var_os("SERVOIR_TEST_FIXTURES");
    let folder = folder.expect("SERVOIR_TEST_FIXTURES is not set: run the tests through `cargo xtask test`");
    let path = PathBuf::from(folder).join("evaluation").join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

/// An array with all its bits.
#[derive(Deserialize)]
pub struct Array {
    dtype: String,
    shape: Vec<usize>,
    data: String,
}

impl Array {
    fn bytes<const WIDTH: usize>(&self, dtype: &str) -> Vec<[u8; WIDTH]> {
        assert_eq!(self.dtype, dtype);
        let bytes = STANDARD.decode(&self.data).unwrap();
        let (items, rest) = bytes.as_chunks();
        assert_eq!((items.len(), rest.len()), (self.shape.iter().product(), 0));
        items.to_vec()
    }

    pub fn doubles(&self) -> Vec<f64> {
        self.bytes("f8").into_iter().map(f64::from_le_bytes).collect()
    }

    pub fn floats(&self) -> Vec<f32> {
        self.bytes("f4").into_iter().map(f32::from_le_bytes).collect()
    }

    pub fn integers(&self) -> Vec<u32> {
        self.bytes("u4").into_iter().map(u32::from_le_bytes).collect()
    }

    pub fn booleans(&self) -> Vec<bool> {
        self.bytes::<1>("u1").into_iter().map(|[byte]| byte != 0).collect()
    }
}

fn close(ours: f64, theirs: f64) -> bool {
    ours == theirs || (ours - theirs).abs() <= RELATIVE * theirs.abs() + ABSOLUTE
}

/// Fails unless two numbers are equal, or both are not there.
pub fn assert_close(what: &str, ours: Option<f64>, theirs: Option<f64>) {
    let equal = match (ours, theirs) {
        (Some(ours), Some(theirs)) => close(ours, theirs),
        (ours, theirs) => ours == theirs,
    };
    assert!(equal, "{what}: {ours:?}, and not {theirs:?}");
}

/// Fails unless two lists are equal, number by number.
pub fn assert_all_close(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: how many");
    for (place, (&ours, &theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!(close(ours, theirs), "{what}, at {place}: {ours}, and not {theirs}");
    }
}

/// The places of at most `max` of `count` points that a thinned list keeps.
pub fn kept(count: usize, max: usize) -> Vec<usize> {
    match count.min(max) {
        0 => vec![],
        1 => vec![0],
        kept => (0..kept).map(|place| place * (count - 1) / (kept - 1)).collect(),
    }
}
