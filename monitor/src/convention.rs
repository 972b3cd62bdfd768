//! Conventions: what exactly is meant by the name of a statistic. The same two samples have another PSI for every bin width;
//! under a convention a number can be computed again elsewhere.

pub mod evidently;
pub mod nannyml;
pub mod servoir;

use crate::statistics::reason::Reason;
use serde::{Deserialize, Serialize};

/// Whose way of computing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// From counts between edges that were fixed with the baseline.
    #[default]
    Servoir,
    /// Evidently's, from raw values.
    Evidently,
    /// NannyML's, from raw values.
    NannyMl,
}

/// A statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// The population stability index.
    Psi,
    /// The Kolmogorov-Smirnov test.
    KolmogorovSmirnov,
    /// Pearson's chi-square test.
    ChiSquare,
    /// The Jensen-Shannon distance.
    JensenShannon,
    /// The first Wasserstein distance.
    Wasserstein,
    /// The Hellinger distance.
    Hellinger,
    /// The largest difference of two shares.
    LInfinity,
}

impl Algorithm {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Psi,
        Self::KolmogorovSmirnov,
        Self::ChiSquare,
        Self::JensenShannon,
        Self::Wasserstein,
        Self::Hellinger,
        Self::LInfinity,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Psi => "psi",
            Self::KolmogorovSmirnov => "kolmogorov_smirnov",
            Self::ChiSquare => "chi_square",
            Self::JensenShannon => "jensen_shannon",
            Self::Wasserstein => "wasserstein",
            Self::Hellinger => "hellinger",
            Self::LInfinity => "l_infinity",
        }
    }
}

/// How a value is held against a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A statistic: it is beyond from the threshold on.
    Statistic,
    /// A p-value: it is beyond below the threshold.
    PBelow,
    /// A p-value: it is beyond up to the threshold.
    PAtMost,
}

impl Convention {
    /// What the convention compares with the threshold, and how.
    pub fn rule(self, algorithm: Algorithm) -> Rule {
        match (self, algorithm) {
            (_, Algorithm::ChiSquare) | (Self::Servoir, Algorithm::KolmogorovSmirnov) => Rule::PBelow,
            (Self::Evidently, Algorithm::KolmogorovSmirnov) => Rule::PAtMost,
            _ => Rule::Statistic,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Computed {
    /// The statistic itself.
    pub statistic: f64,
    /// Of a test: how probable such a statistic is when nothing differs.
    pub p: Option<f64>,
    /// How far the statistic of the raw values may be from this one. 0: they are the same.
    pub bound: f64,
    /// What chance alone gives less than once in a thousand times when nothing differs, where that is known.
    pub chance: Option<f64>,
}

impl Computed {
    fn exact(statistic: f64) -> Result<Self, Reason> {
        if statistic.is_finite() { Ok(Self { statistic, ..Self::default() }) } else { Err(Reason::Overflow) }
    }

    fn tested(statistic: f64, p: f64) -> Self {
        Self { statistic, p: Some(p), ..Self::default() }
    }
}
