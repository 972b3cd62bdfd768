//! How each row fared, kept small, so that two models can be compared row by row when they were judged by the same rows.

use super::classification::Scored;
use super::curve::thinned;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use servoir_types::Digest;

/// The most rows that are kept; of more, evenly spaced ones: the same in every model that was judged by the same rows.
pub const PAIRED_ROWS_MAX: usize = 200_000;
/// So many rows are digested at once.
const DIGEST_ROWS: usize = 1 << 16;

/// How each row fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Of the rows' places in the dataset and of their truth: what two models must share to be compared.
    pub split: Digest,
    /// How many rows the split has.
    pub rows: u64,
    /// How many of them are kept here.
    pub kept: usize,
    /// By row.
    pub outcomes: Outcomes,
}

/// Outcomes by row, as base64.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    /// A bit per row, the first in the lowest place of the first byte: whether the class was right.
    Right(String),
    /// A 32-bit float per row, low byte first: the residual.
    Errors(String),
}

impl Paired {
    pub(super) fn of_classes(scored: &Scored, right: impl Iterator<Item = bool>) -> Self {
        let classes = serde_json::to_vec(scored.classes).unwrap_or_default();
        let truth = scored.rows.iter().zip(scored.truth).map(|(row, truth)| (*row, u64::from(*truth)));
        let right: Vec<bool> = right.collect();
        let kept: Vec<bool> = thinned(right.len(), PAIRED_ROWS_MAX).map(|place| right[place]).collect();
        let bits = kept.chunks(8).map(|bits| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit)));
        Self {
            split: split_digest(&classes, truth),
            rows: right.len() as u64,
            kept: kept.len(),
            outcomes: Outcomes::Right(STANDARD.encode(bits.collect::<Vec<u8>>())),
        }
    }

    pub(super) fn of_numbers(truth: &[f64], errors: &[f64], rows: &[u64]) -> Self {
        let truth = rows.iter().zip(truth).map(|(row, truth)| (*row, truth.to_bits()));
        let kept = thinned(errors.len(), PAIRED_ROWS_MAX);
        let bytes: Vec<u8> = kept.flat_map(|place| (errors[place] as f32).to_le_bytes()).collect();
        Self {
            split: split_digest(&[], truth),
            rows: errors.len() as u64,
            kept: bytes.len() / 4,
            outcomes: Outcomes::Errors(STANDARD.encode(bytes)),
        }
    }

    /// Whether each kept row was given the right class; none of a regression, or when it cannot be read.
    pub fn right(&self) -> Option<Vec<bool>> {
        let Outcomes::Right(text) = &self.outcomes else { return None };
        let bytes = STANDARD.decode(text).ok()?;
        let bit = |place: usize| bytes.get(place / 8).map(|byte| byte >> (place % 8) & 1 == 1);
        (bytes.len() == self.kept.div_ceil(8)).then(|| (0..self.kept).filter_map(bit).collect())
    }

    /// Each kept row's residual; none of a classifier, or when it cannot be read.
    pub fn errors(&self) -> Option<Vec<f32>> {
        let Outcomes::Errors(text) = &self.outcomes else { return None };
        let bytes = STANDARD.decode(text).ok()?;
        let (errors, rest) = bytes.as_chunks::<4>();
        let whole = rest.is_empty() && errors.len() == self.kept;
        whole.then(|| errors.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

/// The digest of a chain of digests, so that no more than a piece of the rows is copied at a time.
fn split_digest(classes: &[u8], rows: impl Iterator<Item = (u64, u64)>) -> Digest {
    let mut rows = rows.peekable();
    let mut digest = Digest::of(classes);
    while rows.peek().is_some() {
        let mut piece = digest.as_bytes().to_vec();
        for (row, truth) in rows.by_ref().take(DIGEST_ROWS) {
            piece.extend(row.to_le_bytes());
            piece.extend(truth.to_le_bytes());
        }
        digest = Digest::of(&piece);
    }
    digest
}
