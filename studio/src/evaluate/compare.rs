//! Whether one model is better than another on the same rows, or only luckier.
//!
//! Classifiers are compared by McNemar's test on the rows that exactly one of them has right, regressions by a paired t test
//! on their squared errors: its mean difference is the difference of the mean squared errors that the summary shows, which a
//! test on ranks (Wilcoxon's) does not ask about.

use super::Evaluation;
use super::sum::{mean, sum};
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;

/// A difference is called significant when chance alone would bring it about less often than this.
pub const SIGNIFICANT_BELOW: f64 = 0.05;
/// With fewer rows than this that exactly one model has right, chances are counted and not approximated.
const EXACT_BELOW: u64 = 25;

/// Two models on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// They were judged by the same rows.
    Tested(Test),
    /// They cannot be compared row by row.
    NotComparable {
        /// Why, for a person.
        because: String,
    },
}

/// What the test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// `mcnemar_exact`, `mcnemar_chi_squared` or `paired_t`.
    pub method: String,
    /// The test's statistic: the smaller count of rows that exactly one model has right; chi-squared with the continuity
    /// correction; or t. None when t is infinite.
    pub statistic: Option<f64>,
    /// How probable a difference as large as this is when the models are equally good.
    pub p_value: f64,
    /// Whether that is less than [`SIGNIFICANT_BELOW`].
    pub significant: bool,
    /// How many rows were compared.
    pub rows: usize,
    /// What the statistic is made from.
    pub of: Measured,
}

/// What a statistic is made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// Rows that exactly one classifier has right.
    Discordant {
        /// Only the first.
        only_a: u64,
        /// Only the second.
        only_b: u64,
    },
    /// The mean of the second regression's squared errors less that of the first's.
    SquaredErrors {
        /// Negative when the second is better.
        difference: f64,
    },
}

/// Compares two evaluations of the same split, the first (`a`) with the second (`b`).
pub fn compare(a: &Evaluation, b: &Evaluation) -> Comparison {
    tested(a, b).map_or_else(|because| Comparison::NotComparable { because: because.to_owned() }, Comparison::Tested)
}

fn tested(a: &Evaluation, b: &Evaluation) -> Result<Test, &'static str> {
    let (a, b) = (a.paired(), b.paired());
    if std::mem::discriminant(&a.outcomes) != std::mem::discriminant(&b.outcomes) {
        return Err("one is a classifier, the other a regression");
    }
    if a.split != b.split || a.kept != b.kept {
        return Err("they were judged by other rows: the dataset, the seed or the shares of the split differ");
    }
    if let (Some(a), Some(b)) = (a.right(), b.right()) {
        return mcnemar(&a, &b);
    }
    if let (Some(a), Some(b)) = (a.errors(), b.errors()) {
        return paired_t(&a, &b);
    }
    Err("what was kept of their rows cannot be read")
}

/// McNemar's test (1947); exact when few rows differ, else with Edwards' continuity correction.
fn mcnemar(a: &[bool], b: &[bool]) -> Result<Test, &'static str> {
    if a.is_empty() {
        return Err("the split has no rows");
    }
    let only = |this: &[bool], other: &[bool]| {
        this.iter().zip(other).filter(|(this, other)| **this && !**other).count() as u64
    };
    let (only_a, only_b) = (only(a, b), only(b, a));
    let differing = only_a + only_b;
    let (method, statistic, p_value) = if differing < EXACT_BELOW {
        let fewer = only_a.min(only_b);
        ("mcnemar_exact", fewer as f64, (2.0 * half_binomial(fewer, differing)).min(1.0))
    } else {
        let statistic = (only_a.abs_diff(only_b) as f64 - 1.0).powi(2) / differing as f64;
        ("mcnemar_chi_squared", statistic, erfc((statistic / 2.0).sqrt()))
    };
    Ok(Test {
        method: method.to_owned(),
        statistic: Some(statistic),
        p_value,
        significant: p_value < SIGNIFICANT_BELOW,
        rows: a.len(),
        of: Measured::Discordant { only_a, only_b },
    })
}

/// The chance that of `trials` (fewer than [`EXACT_BELOW`]) throws of a coin at most `most` show its head.
fn half_binomial(most: u64, trials: u64) -> f64 {
    let mut ways = 1_u64;
    let mut total = 0_u64;
    for heads in 0..=most {
        total += ways;
        ways = ways * (trials - heads) / (heads + 1);
    }
    total as f64 / (1_u64 << trials) as f64
}

/// Student's t test on the differences of the squared errors, two-sided.
fn paired_t(a: &[f32], b: &[f32]) -> Result<Test, &'static str> {
    if a.len() < 2 {
        return Err("a test needs at least two rows");
    }
    let square = |error: f32| f64::from(error) * f64::from(error);
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| square(*b) - square(*a)).collect();
    let difference = mean(differences.iter().copied());
    if !difference.is_finite() {
        return Err("an error is too large for a 32-bit float");
    }
    let freedom = (differences.len() - 1) as f64;
    let variance = sum(differences.iter().map(|each| (each - difference).powi(2))) / freedom;
    let t = if difference == 0.0 { 0.0 } else { difference / (variance / differences.len() as f64).sqrt() };
    let p_value = if t.is_finite() { beta_reg(freedom / 2.0, 0.5, freedom / (freedom + t * t)) } else { 0.0 };
    Ok(Test {
        method: "paired_t".to_owned(),
        statistic: Some(t).filter(|t| t.is_finite()),
        p_value,
        significant: p_value < SIGNIFICANT_BELOW,
        rows: a.len(),
        of: Measured::SquaredErrors { difference },
    })
}
