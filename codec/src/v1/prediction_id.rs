//! Ids of predictions. An id says what was predicted, by which version and when, so that a label finds its prediction without
//! a log of them; and nobody but this installation can make one, or change what it says.
//!
//! `pred_` and 36 characters of base64 (RFC 4648, section 5) of 27 bytes, numbers with the most significant byte first:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the kind of outcome |
//! | 3 | version |
//! | 5 | milliseconds since 2025 |
//! | 4 | sequence number |
//! | 8 | outcome |
//! | 6 | SipHash-2-4 of the bytes before, under a key of the installation and the model |

use super::outcome::{ClassCode, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use servoir_types::Timestamp;
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128 as _, SipHasher24 as KeyHasher};
use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "pred_";
const SAID_BYTES: usize = 21;
const BYTES: usize = 27;
const CHARS: usize = 36;
/// 2025-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH_MILLIS: i64 = 1_735_689_600_000;
/// Five bytes of milliseconds: until 2059.
const AFTER_EPOCH_MAX: u64 = (1 << 40) - 1;
/// Three bytes. A later version's ids say nothing.
const VERSION_MAX: u64 = (1 << 24) - 1;

/// The length of an id in bytes, which are ASCII without anything that JSON escapes.
pub const ID_BYTES: usize = PREFIX.len() + CHARS;

/// Makes ids; one per process. Those of all nodes with the same key can be read by each of them.
#[derive(Debug)]
pub struct PredictionIds {
    key: [u8; 16],
    next: AtomicU32,
}

impl PredictionIds {
    /// Ids under a key. `start` is where this process begins to count, so that no two processes make the same id.
    pub fn new(key: [u8; 16], start: u32) -> Self {
        Self { key, next: AtomicU32::new(start) }
    }

    /// Ids of `count` predictions of a model's version, made at `at`.
    pub fn take(&self, model: &str, version: u64, at: Timestamp, count: usize) -> IssuedIds {
        // Numbers come again after 2^32 predictions: not within the same millisecond.
        let first = self.next.fetch_add(count as u32, Ordering::Relaxed);
        IssuedIds { key: self.of_model(model), version, at, first }
    }

    /// Reads ids of a model.
    pub fn reader(&self, model: &str) -> IdReader {
        IdReader(self.of_model(model))
    }

    /// The model's own key: an id of another model is none of its.
    fn of_model(&self, model: &str) -> ModelKey {
        let mut hasher = KeyHasher::new_with_key(&self.key);
        hasher.write(model.as_bytes());
        ModelKey(hasher.finish128().as_bytes())
    }
}

#[derive(Debug, Clone, Copy)]
struct ModelKey([u8; 16]);

impl ModelKey {
    /// What makes the bytes of an id its own: the last six of them.
    fn seal(&self, said: &[u8]) -> [u8; BYTES - SAID_BYTES] {
        let sealed = SipHasher24::new_with_key(&self.0).hash(said).to_be_bytes();
        [sealed[0], sealed[1], sealed[2], sealed[3], sealed[4], sealed[5]]
    }
}

/// Ids of the predictions of one answer. They are not written until they are wanted.
#[derive(Debug, Clone)]
pub struct IssuedIds {
    key: ModelKey,
    version: u64,
    at: Timestamp,
    first: u32,
}

impl IssuedIds {
    /// When the predictions were made, as their ids say.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Appends the id of the prediction `index`, from 0.
    pub fn write(&self, index: usize, outcome: Outcome, text: &mut Vec<u8>) {
        let mut bytes = [0; BYTES];
        let after = u64::try_from(self.at.as_millis() - EPOCH_MILLIS).unwrap_or(0).min(AFTER_EPOCH_MAX);
        let fits = self.version <= VERSION_MAX;
        let (version, outcome) = if fits { (self.version, outcome) } else { (0, Outcome::Nothing) };
        let (kind, said) = written(outcome);
        bytes[0] = kind;
        bytes[1..4].copy_from_slice(&version.to_be_bytes()[5..]);
        bytes[4..9].copy_from_slice(&after.to_be_bytes()[3..]);
        bytes[9..13].copy_from_slice(&self.first.wrapping_add(index as u32).to_be_bytes());
        bytes[13..SAID_BYTES].copy_from_slice(&said);
        let seal = self.key.seal(&bytes[..SAID_BYTES]);
        bytes[SAID_BYTES..].copy_from_slice(&seal);
        let mut chars = [b'A'; CHARS];
        // 27 bytes are 36 characters: there is room, so there is no failure.
        let _ = URL_SAFE_NO_PAD.encode_slice(bytes, &mut chars);
        text.extend_from_slice(PREFIX.as_bytes());
        text.extend_from_slice(&chars);
    }

    /// The id of the prediction `index`.
    pub fn text(&self, index: usize, outcome: Outcome) -> String {
        let mut text = Vec::with_capacity(ID_BYTES);
        self.write(index, outcome, &mut text);
        text.into_iter().map(char::from).collect()
    }
}

/// What an id says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The version that answered.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// Its number among those of the same process: rows of one answer follow one another, and 0 follows the greatest number.
    pub number: u32,
    /// What it said.
    pub outcome: Outcome,
}

/// Reads ids of one model.
#[derive(Debug, Clone, Copy)]
pub struct IdReader(ModelKey);

impl IdReader {
    /// What an id says; `None` when it is no id of this model that this installation has made.
    pub fn read(&self, id: &str) -> Option<Predicted> {
        let chars = id.strip_prefix(PREFIX).filter(|chars| chars.len() == CHARS)?;
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(chars, &mut bytes).ok()?;
        let (said, seal) = bytes.split_at(SAID_BYTES);
        if length != BYTES || self.0.seal(said) != seal {
            return None;
        }
        let number =
            |range: std::ops::Range<usize>| said[range].iter().fold(0, |all, byte| all << 8 | i64::from(*byte));
        Some(Predicted {
            version: number(1..4),
            at: Timestamp::from_millis(number(4..9) + EPOCH_MILLIS),
            number: u32::from_be_bytes(said[9..13].try_into().ok()?),
            outcome: read(said[0], said[13..].try_into().ok()?),
        })
    }
}

const NOTHING: u8 = 0;
const CLASS_INTEGER: u8 = 1;
const CLASS_HASH: u8 = 2;
const NUMBER: u8 = 3;

fn written(outcome: Outcome) -> (u8, [u8; 8]) {
    let class = |code: [u8; 4], score: f32| {
        let score = score.to_be_bytes();
        [code[0], code[1], code[2], code[3], score[0], score[1], score[2], score[3]]
    };
    match outcome {
        Outcome::Nothing => (NOTHING, [0; 8]),
        Outcome::Class { class: ClassCode::Integer(number), score } => {
            (CLASS_INTEGER, class(number.to_be_bytes(), score))
        }
        Outcome::Class { class: ClassCode::Hash(hash), score } => (CLASS_HASH, class(hash.to_be_bytes(), score)),
        Outcome::Number(number) => (NUMBER, number.to_be_bytes()),
    }
}

fn read(kind: u8, said: [u8; 8]) -> Outcome {
    let [a, b, c, d, e, f, g, h] = said;
    let score = f32::from_be_bytes([e, f, g, h]);
    match kind {
        CLASS_INTEGER => Outcome::Class { class: ClassCode::Integer(i32::from_be_bytes([a, b, c, d])), score },
        CLASS_HASH => Outcome::Class { class: ClassCode::Hash(u32::from_be_bytes([a, b, c, d])), score },
        NUMBER => Outcome::Number(f64::from_be_bytes(said)),
        _ => Outcome::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(EPOCH_MILLIS + 86_400_001);
    const OUTCOMES: [Outcome; 7] = [
        Outcome::Nothing,
        Outcome::Number(-1.5e300),
        Outcome::Number(f64::INFINITY),
        Outcome::Class { class: ClassCode::Integer(-7), score: 0.25 },
        Outcome::Class { class: ClassCode::Integer(i32::MAX), score: 1.0 },
        Outcome::Class { class: ClassCode::Hash(u32::MAX), score: 0.0 },
        Outcome::Class { class: ClassCode::Hash(0x0102_0304), score: f32::MIN_POSITIVE },
    ];

    #[test]
    fn an_id_says_what_was_written_into_it() {
        let ids = PredictionIds::new([7; 16], u32::MAX);
        let mut number = u32::MAX;
        for version in [1, 2, VERSION_MAX] {
            let issued = ids.take("model_a", version, AT, OUTCOMES.len());
            for (index, outcome) in OUTCOMES.into_iter().enumerate() {
                let id = issued.text(index, outcome);
                assert_eq!((id.len(), id.is_ascii()), (ID_BYTES, true), "{id}");
                let expected = Predicted { version: version as i64, at: issued.at(), number, outcome };
                number = number.wrapping_add(1);
                assert_eq!(ids.reader("model_a").read(&id), Some(expected), "{id}");
            }
        }
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let ids = PredictionIds::new([7; 16], u32::MAX - 5);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            let issued = ids.take("model_a", 1, AT, 3);
            assert!((0..3).all(|index| seen.insert(issued.text(index, Outcome::Nothing))));
        }
    }

    #[test]
    fn nobody_else_can_make_an_id_or_change_one() {
        let ids = PredictionIds::new([7; 16], 0);
        let id = ids.take("model_a", 1, AT, 1).text(0, OUTCOMES[3]);
        assert_eq!(ids.reader("model_b").read(&id), None, "another model's");
        assert_eq!(PredictionIds::new([8; 16], 0).reader("model_a").read(&id), None, "another installation's");
        let reader = ids.reader("model_a");
        for place in PREFIX.len()..id.len() {
            let mut forged = id.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(reader.read(&String::from_utf8(forged).unwrap()), None, "character {place}");
        }
        for text in ["", "pred_", &id[1..], &id[..id.len() - 1], &format!("{id}A"), &id.replace("pred_", "prod_")] {
            assert_eq!(reader.read(text), None, "{text}");
        }
        assert_eq!(reader.read(&format!("pred_{}", "é".repeat(18))), None);
    }

    #[test]
    fn a_version_that_does_not_fit_is_not_said() {
        let ids = PredictionIds::new([7; 16], 0);
        let id = ids.take("model_a", VERSION_MAX + 1, AT, 1).text(0, OUTCOMES[1]);
        let said = ids.reader("model_a").read(&id).unwrap();
        assert_eq!((said.version, said.outcome), (0, Outcome::Nothing));
    }
}
