//! That a version is to be taken down.

use super::comparison::{Cause, Worse};
use super::divergence::Diverging;
use serde::Serialize;

/// Why a version is to be taken down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Verdict {
    /// By what both versions have done.
    Worse(Worse),
    /// By what both have answered.
    Diverging(Diverging),
}

impl Verdict {
    /// In what it is worse.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Worse(worse) => worse.cause,
            Self::Diverging(diverging) => diverging.cause,
        }
    }

    /// In a sentence.
    pub fn sentence(&self, version_before: u64) -> String {
        match self {
            Self::Worse(worse) => worse.sentence(version_before),
            Self::Diverging(diverging) => diverging.sentence(version_before),
        }
    }
}
