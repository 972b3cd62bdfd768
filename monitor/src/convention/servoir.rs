//! The convention of counts: everything is computed from a baseline's fixed edges and what was counted between them, so that
//! windows, instances and nodes add up and no row is kept.

use super::{Algorithm, Computed};
use crate::baseline::NumberProfile;
use crate::counts::NumberCounts;
use crate::statistics::reason::Reason;
use crate::statistics::{chi_square, shares, two_sample};
use crate::streamed::Streamed;
use std::f64::consts::LN_2;

/// A share of 0 counts as this one in the population stability index.
const LEAST_SHARE: f64 = 1e-4;

/// [`Computed::chance`] is exceeded so rarely when nothing differs.
const CHANCE: f64 = 1e-3;

/// The same for the area between a distribution function and that of a sample, in units of `∫ sqrt(F(1-F)/n)`.
const CHANCE_AREA: f64 = 2.5;

/// A statistic of a window's numbers.
///
/// # Errors
/// When it is not defined for them.
pub fn of_numbers(algorithm: Algorithm, baseline: &NumberProfile, window: &NumberCounts) -> Result<Computed, Reason> {
    if algorithm == Algorithm::ChiSquare {
        return Err(Reason::CategoriesOnly);
    }
    let (n, m) = (baseline.counts.count(), window.count());
    if n == 0 {
        return Err(Reason::BaselineEmpty);
    }
    if m == 0 {
        return Err(Reason::WindowEmpty);
    }
    if baseline.min == baseline.max {
        return Err(Reason::Constant);
    }
    let streamed = Streamed::new(baseline, window);
    match algorithm {
        Algorithm::KolmogorovSmirnov => {
            let (d, bound) = streamed.kolmogorov_smirnov();
            Ok(Computed { bound, ..Computed::tested(d, two_sample::asymptotic(n, m, d)) })
        }
        Algorithm::Wasserstein => {
            let std = baseline.std.filter(|std| *std > 0.0).ok_or(Reason::Overflow)?;
            let (distance, bound) = streamed.wasserstein();
            let chance = CHANCE_AREA * streamed.spread() * (1.0 / n as f64 + 1.0 / m as f64).sqrt();
            let computed = Computed::exact(distance / std)?;
            Ok(Computed { bound: bound / std, chance: Some(chance / std), ..computed })
        }
        _ => {
            let (reference, current) = streamed.coarsened(&baseline.deciles);
            of_shares(algorithm, &reference, &current)
        }
    }
}

/// A statistic of the counts of the same categories.
///
/// # Errors
/// When it is not defined for them.
pub fn of_categories(algorithm: Algorithm, baseline: &[u64], window: &[u64]) -> Result<Computed, Reason> {
    if baseline.iter().all(|count| *count == 0) {
        return Err(Reason::BaselineEmpty);
    }
    if window.iter().all(|count| *count == 0) {
        return Err(Reason::WindowEmpty);
    }
    if baseline.iter().filter(|count| **count > 0).count() == 1 {
        return Err(Reason::Constant);
    }
    match algorithm {
        Algorithm::ChiSquare => {
            chi_square::of_fit(baseline, window).map(|test| Computed::tested(test.statistic, test.p))
        }
        Algorithm::KolmogorovSmirnov | Algorithm::Wasserstein => Err(Reason::NumbersOnly),
        _ => of_shares(algorithm, baseline, window),
    }
}

fn of_shares(algorithm: Algorithm, reference: &[u64], current: &[u64]) -> Result<Computed, Reason> {
    let (p, q) = (shares::shares(reference), shares::shares(current));
    let sizes = 1.0 / reference.iter().sum::<u64>() as f64 + 1.0 / current.iter().sum::<u64>() as f64;
    let bins = reference.iter().zip(current).filter(|(a, b)| **a + **b > 0).count();
    // To the first order the index is this multiple of a chi-square, and the squares of the two distances are parts of it.
    let index = chi_square::quantile(1.0 - CHANCE, u32::try_from(bins.max(2) - 1).unwrap_or(u32::MAX)) * sizes;
    let (empty, share) = empty_by_chance(&p, current.iter().sum::<u64>() as f64);
    let (statistic, chance) = match algorithm {
        Algorithm::Psi => {
            let of_one = (share - LEAST_SHARE).max(0.0) * (share / LEAST_SHARE).ln().max(0.0);
            let floored = |shares: &[f64]| shares::floored(shares, LEAST_SHARE);
            (shares::psi(&floored(&p), &floored(&q)), index + empty * of_one)
        }
        Algorithm::JensenShannon => {
            let square = index / 8.0 + empty * share * (LN_2 / 2.0 - 0.125);
            (shares::jensen_shannon_base_2(&p, &q), (square / LN_2).sqrt())
        }
        Algorithm::Hellinger => (shares::hellinger(&p, &q), (index / 8.0 + empty * share * 0.375).sqrt()),
        _ => {
            let largest = p.iter().map(|share| share * (1.0 - share)).fold(0.0, f64::max);
            // The largest of so many deviations.
            let square = chi_square::quantile(1.0 - CHANCE / bins as f64, 1);
            (shares::l_infinity(&p, &q), (square * largest * sizes).sqrt())
        }
    };
    Ok(Computed { chance: Some(chance), ..Computed::exact(statistic)? })
}

/// How many bins chance alone leaves empty in a window of so many rows, and the largest share of one that it may: an empty bin
/// adds more to a statistic than the chi-square has it.
fn empty_by_chance(p: &[f64], rows: f64) -> (f64, f64) {
    let expected: f64 = p.iter().filter(|share| **share > 0.0).map(|share| (1.0 - share).powf(rows)).sum();
    // As many as a Poisson number exceeds as rarely as chance is to be exceeded.
    let (mut empty, mut term) = (0.0, (-expected).exp());
    let mut more = 1.0 - term;
    while more > CHANCE && empty < p.len() as f64 {
        empty += 1.0;
        term *= expected / empty;
        more -= term;
    }
    let may_be_empty = p.iter().copied().filter(|share| (1.0 - share).powf(rows) > CHANCE / 10.0);
    (empty, may_be_empty.fold(0.0, f64::max))
}
