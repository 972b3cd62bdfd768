//! Random identifiers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// `length` characters of `[a-z0-9]` from the operating system's random source, about 5.17 bits each.
///
/// # Panics
/// When the operating system has no randomness to give, which no caller can do anything about.
pub fn random_token(length: usize) -> String {
    let mut token = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while token.len() < length {
        getrandom::fill(&mut bytes).expect("the operating system's random source failed");
        // Bytes from 252 up are thrown away: 252 is the largest multiple of 36 in a byte, so every letter is as likely.
        let letters =
            bytes.iter().filter(|&&byte| byte < 252).map(|&byte| char::from(ALPHABET[usize::from(byte % 36)]));
        token.extend(letters.take(length - token.len()));
    }
    token
}

/// Ids that are unique over processes and cost neither randomness nor a lock each: a random start and a counter.
#[derive(Debug)]
pub struct IdSequence {
    start: String,
    next: AtomicU64,
}

impl IdSequence {
    /// A sequence whose ids begin with `prefix` and 12 random characters.
    pub fn random(prefix: &str) -> Self {
        Self { start: format!("{prefix}{}", random_token(12)), next: AtomicU64::new(0) }
    }

    /// Appends the next id, such as `req_k3v9w0q2m5xz-1f`: ASCII, without anything that JSON escapes.
    pub fn write_next(&self, text: &mut Vec<u8>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        text.extend_from_slice(self.start.as_bytes());
        text.push(b'-');
        let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(1);
        text.extend((0..digits).rev().map(|digit| b"0123456789abcdef"[(number >> (4 * digit) & 15) as usize]));
    }
}

/// Characters of an id behind its prefix.
const TOKEN_CHARS: usize = 16;

/// Types of ids: a prefix that says what it is the id of, and 16 random characters of `[a-z0-9]`.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every such id begins with.
            pub const PREFIX: &str = $prefix;

            /// A new identity.
            pub fn random() -> Self {
                Self(format!("{}{}", Self::PREFIX, random_token(TOKEN_CHARS)))
            }

            /// An id as it came from a caller. A text that is no id is simply one that no object has.
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A registered model's identity: `model_…`. A model's *name* may not begin so.
    ModelId = "model_";
    /// A dataset's identity: `dataset_…`.
    DatasetId = "dataset_";
    /// A training run's identity: `run_…`.
    RunId = "run_";
    /// A custom asset's identity: `asset_…`.
    AssetId = "asset_";
    /// A baseline profile's identity: `baseline_…`.
    BaselineId = "baseline_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_length_and_alphabet_asked_for() {
        for length in [0, 1, 12, 63, 64, 65, 200] {
            let token = random_token(length);
            assert_eq!(token.len(), length);
            assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)), "{token}");
        }
        assert_ne!(ModelId::random(), ModelId::random());
    }
}
