//! Values as they are told apart when they are counted.

use serde_json::Value;
use std::borrow::Borrow;
use std::hash::Hash;

/// A kind of value that can be counted.
pub trait Key: Hash + Eq + Ord + Clone + Borrow<Self::View> {
    /// What is looked up before it is kept.
    type View: Hash + Eq + ToOwned<Owned = Self> + ?Sized;

    /// What it takes beside its place in the table, in bytes.
    fn heap_bytes(view: &Self::View) -> usize;

    /// Its number, where quantiles have a meaning.
    fn number(view: &Self::View) -> Option<f64>;

    /// As it is shown.
    fn shown(&self) -> Value;
}

impl Key for i64 {
    type View = i64;

    fn heap_bytes(_: &i64) -> usize {
        0
    }

    fn number(view: &i64) -> Option<f64> {
        Some(*view as f64)
    }

    fn shown(&self) -> Value {
        Value::from(*self)
    }
}

/// A number that is no NaN, by its value; 0 and -0 are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

impl Number {
    /// Of a value that is no NaN.
    pub fn of(value: f64) -> Self {
        Self((value + 0.0).to_bits())
    }

    fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value().total_cmp(&other.value())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Key for Number {
    type View = Number;

    fn heap_bytes(_: &Number) -> usize {
        0
    }

    fn number(view: &Number) -> Option<f64> {
        Some(view.value())
    }

    fn shown(&self) -> Value {
        Value::from(self.value())
    }
}

impl Key for String {
    type View = str;

    fn heap_bytes(view: &str) -> usize {
        view.len()
    }

    fn number(_: &str) -> Option<f64> {
        None
    }

    fn shown(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// Bytes up to which a text is told apart, and shown, as it is.
const TEXT_BYTES_MAX: usize = 256;
/// Characters of a longer text that are shown.
const TEXT_CHARS_SHOWN: usize = 48;

/// A longer text by its beginning and a hash of the whole.
pub fn of_text<'a>(text: &'a str, room: &'a mut String) -> &'a str {
    use std::fmt::Write as _;
    use std::hash::Hasher as _;
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    // Two hashes with fixed keys that begin differently: 128 bits.
    let hash = |seed: u8| {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(text.as_bytes());
        hasher.finish()
    };
    room.clear();
    room.extend(text.chars().take(TEXT_CHARS_SHOWN));
    // Writing to a text cannot fail.
    let _ = write!(room, "… ({} bytes, {:016x}{:016x})", text.len(), hash(0), hash(1));
    room
}
