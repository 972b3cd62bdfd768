//! Evidently's convention (0.7.23, `evidently/legacy/calculations/stattests`). Missing and infinite values are left out.

use super::{Algorithm, Computed};
use crate::statistics::reason::Reason;
use crate::statistics::samples::{self, Sample};
use crate::statistics::{chi_square, histogram, shares, two_sample};
use std::collections::BTreeMap;

/// With more distinct values in the reference, bins are of equal width; otherwise each value is one.
const DISTINCT_MAX: usize = 20;

/// The least standard deviation that a distance is divided by.
const STD_MIN: f64 = 0.001;

/// A statistic of two samples of numbers.
///
/// # Errors
/// When it is not defined for them.
pub fn of_numbers(algorithm: Algorithm, reference: &Sample, current: &Sample) -> Result<Computed, Reason> {
    let (first, last) = range(reference, current)?;
    let (a, b) = (reference.values(), current.values());
    match algorithm {
        Algorithm::Psi => of_shares(algorithm, &binned(reference, current, first, last)),
        Algorithm::JensenShannon => of_shares(algorithm, &binned(reference, current, first, last)),
        Algorithm::KolmogorovSmirnov => {
            let d = samples::kolmogorov_smirnov(a, b);
            Ok(Computed::tested(d, two_sample::p_value(a.len() as u64, b.len() as u64, d)))
        }
        Algorithm::Wasserstein => Computed::exact(samples::wasserstein(a, b) / samples::std(a).max(STD_MIN)),
        Algorithm::Hellinger => {
            let mut distinct: Vec<f64> = reference.counted().chain(current.counted()).map(|(value, _)| value).collect();
            distinct.sort_unstable_by(f64::total_cmp);
            distinct.dedup();
            let edges = histogram::sturges(first, last, distinct.len() as u64);
            Computed::exact(hellinger_of_densities(&edges, reference, current))
        }
        Algorithm::ChiSquare => Err(Reason::CategoriesOnly),
        Algorithm::LInfinity => Err(Reason::NotInConvention),
    }
}

/// A statistic of the counts of the same categories.
///
/// # Errors
/// When it is not defined for them.
pub fn of_categories(algorithm: Algorithm, reference: &[u64], current: &[u64]) -> Result<Computed, Reason> {
    match algorithm {
        Algorithm::ChiSquare => {
            chi_square::of_fit(reference, current).map(|test| Computed::tested(test.statistic, test.p))
        }
        Algorithm::Psi | Algorithm::JensenShannon | Algorithm::Hellinger => {
            of_shares(algorithm, &(reference.to_vec(), current.to_vec()))
        }
        Algorithm::KolmogorovSmirnov | Algorithm::Wasserstein => Err(Reason::NumbersOnly),
        Algorithm::LInfinity => Err(Reason::NotInConvention),
    }
}

fn range(reference: &Sample, current: &Sample) -> Result<(f64, f64), Reason> {
    let a = reference.range().ok_or(Reason::BaselineEmpty)?;
    let b = current.range().ok_or(Reason::WindowEmpty)?;
    Ok((a.0.min(b.0), a.1.max(b.1)))
}

/// Both samples in the same bins.
fn binned(reference: &Sample, current: &Sample, first: f64, last: f64) -> (Vec<u64>, Vec<u64>) {
    let (a, b) = (reference.values(), current.values());
    if reference.counted().count() > DISTINCT_MAX {
        let edges = histogram::sturges(first, last, (a.len() + b.len()) as u64);
        return (histogram::histogram(a, &edges), histogram::histogram(b, &edges));
    }
    let mut values = BTreeMap::<u64, (u64, u64)>::new();
    reference.counted().for_each(|(value, count)| values.entry(value.to_bits()).or_default().0 = count);
    current.counted().for_each(|(value, count)| values.entry(value.to_bits()).or_default().1 = count);
    values.into_values().unzip()
}

fn of_shares(algorithm: Algorithm, (reference, current): &(Vec<u64>, Vec<u64>)) -> Result<Computed, Reason> {
    if reference.iter().all(|count| *count == 0) {
        return Err(Reason::BaselineEmpty);
    }
    if current.iter().all(|count| *count == 0) {
        return Err(Reason::WindowEmpty);
    }
    let (p, q) = (shares::shares(reference), shares::shares(current));
    Computed::exact(match algorithm {
        Algorithm::Psi => shares::psi(&filled(&p), &filled(&q)),
        Algorithm::JensenShannon => shares::jensen_shannon(&p, &q),
        _ => shares::hellinger(&p, &q),
    })
}

/// The Hellinger distance of densities, each bin's by its own width, added up with the mean width. The widths differ by
/// rounding only, which shows when the values are far from 0 and near each other.
fn hellinger_of_densities(edges: &[f64], reference: &Sample, current: &Sample) -> f64 {
    let p = shares::shares(&histogram::histogram(reference.values(), edges));
    let q = shares::shares(&histogram::histogram(current.values(), edges));
    if p == q {
        return 0.0;
    }
    let width = (edges[edges.len() - 1] - edges[0]) / (edges.len() - 1) as f64;
    let unevenness: f64 = edges
        .windows(2)
        .zip(p.iter().zip(&q))
        .map(|(ends, (p, q))| (p * q).sqrt() * (1.0 - width / (ends[1] - ends[0])))
        .sum();
    (shares::hellinger(&p, &q).powi(2) + unevenness).clamp(0.0, 1.0).sqrt()
}

/// Shares of 0 become 1e-4, or a millionth of the least other share where that is no larger than 1e-4.
fn filled(shares: &[f64]) -> Vec<f64> {
    let least = shares.iter().copied().filter(|share| *share > 0.0).fold(f64::INFINITY, f64::min);
    shares::floored(shares, if least <= 1e-4 { least / 1e6 } else { 1e-4 })
}
