//! Pearson's chi-square tests of counts over the same categories.

use super::reason::Reason;
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// A statistic with its p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// The statistic. Infinite where something was seen that should never be there.
    pub statistic: f64,
    /// How probable at least such a statistic is when nothing differs.
    pub p: f64,
}

/// Whether `current` is drawn from the shares of `reference`, scaled to its size, as `scipy.stats.chisquare` tests it.
///
/// # Errors
/// When one side is empty, or there is only one category.
pub fn of_fit(reference: &[u64], current: &[u64]) -> Result<Tested, Reason> {
    let (expected_total, total) = totals(reference, current)?;
    let scale = total / expected_total;
    let mut statistic = 0.0;
    let mut categories = 0u32;
    for (expected, observed) in reference.iter().zip(current).filter(|(expected, observed)| **expected + **observed > 0)
    {
        let expected = *expected as f64 * scale;
        statistic += (*observed as f64 - expected).powi(2) / expected;
        categories += 1;
    }
    tested(statistic, categories)
}

/// Whether both are drawn from one distribution, as `scipy.stats.chi2_contingency` tests it: with Yates's correction for two
/// categories.
///
/// # Errors
/// When one side is empty, or there is only one category.
pub fn of_homogeneity(reference: &[u64], current: &[u64]) -> Result<Tested, Reason> {
    let (reference_total, total) = totals(reference, current)?;
    let all = reference_total + total;
    let cells: Vec<(f64, f64)> =
        reference.iter().zip(current).filter(|(a, b)| **a + **b > 0).map(|(a, b)| (*a as f64, *b as f64)).collect();
    let correction = if cells.len() == 2 { 0.5 } else { 0.0 };
    let mut statistic = 0.0;
    for (a, b) in &cells {
        for (observed, row) in [(a, reference_total), (b, total)] {
            let expected = (a + b) * row / all;
            let difference = (observed - expected).abs();
            statistic += (difference - difference.min(correction)).powi(2) / expected;
        }
    }
    tested(statistic, u32::try_from(cells.len()).unwrap_or(u32::MAX))
}

/// The quantile of the chi-square distribution.
pub fn quantile(rank: f64, degrees: u32) -> f64 {
    ChiSquared::new(f64::from(degrees.max(1))).map_or(0.0, |distribution| distribution.inverse_cdf(rank))
}

fn totals(reference: &[u64], current: &[u64]) -> Result<(f64, f64), Reason> {
    match (reference.iter().sum::<u64>(), current.iter().sum::<u64>()) {
        (0, _) => Err(Reason::BaselineEmpty),
        (_, 0) => Err(Reason::WindowEmpty),
        (reference, current) => Ok((reference as f64, current as f64)),
    }
}

fn tested(statistic: f64, categories: u32) -> Result<Tested, Reason> {
    if categories < 2 {
        return Err(Reason::OneCategory);
    }
    let p = match ChiSquared::new(f64::from(categories - 1)) {
        Ok(distribution) if statistic.is_finite() => distribution.sf(statistic),
        _ => 0.0,
    };
    Ok(Tested { statistic, p })
}
