//! NannyML's convention (0.13, `nannyml/drift/univariate/methods.py`). Missing and infinite values are left out.

use super::{Algorithm, Computed};
use crate::baseline::NumberProfile;
use crate::statistics::reason::Reason;
use crate::statistics::samples::{self, Sample};
use crate::statistics::{chi_square, histogram, shares, two_sample};

/// From so many values in the reference on, distribution functions are compared at [`BINS`] points instead of everywhere.
const EXACT_BELOW: usize = 10_000;

/// The bins of a large reference.
const BINS: usize = 10_000;

/// A statistic of two samples of numbers.
///
/// # Errors
/// When it is not defined for them.
pub fn of_numbers(algorithm: Algorithm, reference: &Sample, current: &Sample) -> Result<Computed, Reason> {
    let (first, last) = reference.range().ok_or(Reason::BaselineEmpty)?;
    let (a, b) = (reference.values(), current.values());
    if b.is_empty() {
        return Err(Reason::WindowEmpty);
    }
    match algorithm {
        Algorithm::KolmogorovSmirnov => {
            let d = if a.len() < EXACT_BELOW {
                samples::kolmogorov_smirnov(a, b)
            } else {
                largest_gap(a, b, &histogram::edges(first, last, BINS))
            };
            Ok(Computed::tested(d, two_sample::p_value(a.len() as u64, b.len() as u64, d)))
        }
        Algorithm::Wasserstein if a.len() < EXACT_BELOW => Computed::exact(samples::wasserstein(a, b)),
        Algorithm::Wasserstein => {
            let (first, last) = if first == last { (first - 0.5, last + 0.5) } else { (first, last) };
            Computed::exact(area(a, b, &histogram::edges(first, last, BINS)))
        }
        Algorithm::JensenShannon | Algorithm::Hellinger => {
            let edges = histogram::doane(first, last, a.len() as u64, samples::skewness(a));
            of_bins(algorithm, &edges, &histogram::histogram(a, &edges), current)
        }
        Algorithm::ChiSquare | Algorithm::LInfinity => Err(Reason::CategoriesOnly),
        Algorithm::Psi => Err(Reason::NotInConvention),
    }
}

/// The same when nothing is left of the reference but its profile: what is computed from its histogram.
///
/// # Errors
/// When it is not defined, or needs the reference's values.
pub fn of_profile(algorithm: Algorithm, reference: &NumberProfile, current: &Sample) -> Result<Computed, Reason> {
    match algorithm {
        Algorithm::JensenShannon | Algorithm::Hellinger => {
            of_bins(algorithm, &reference.doane, &reference.doane_counts, current)
        }
        _ => Err(Reason::NoSample),
    }
}

fn of_bins(algorithm: Algorithm, edges: &[f64], reference: &[u64], current: &Sample) -> Result<Computed, Reason> {
    let values = current.values();
    let mut counts = histogram::histogram(values, edges);
    // What is outside of the reference's range is one bin more.
    counts.push(values.len() as u64 - counts.iter().sum::<u64>());
    let reference: Vec<u64> = reference.iter().copied().chain([0]).collect();
    of_shares(algorithm, &reference, &counts)
}

/// A statistic of the counts of the same categories.
///
/// # Errors
/// When it is not defined for them.
pub fn of_categories(algorithm: Algorithm, reference: &[u64], current: &[u64]) -> Result<Computed, Reason> {
    match algorithm {
        Algorithm::ChiSquare => {
            chi_square::of_homogeneity(reference, current).map(|test| Computed::tested(test.statistic, test.p))
        }
        Algorithm::JensenShannon | Algorithm::Hellinger => {
            let seen = |(reference, _): &(&u64, &u64)| **reference > 0;
            let pairs = || reference.iter().zip(current);
            let (mut a, mut b): (Vec<u64>, Vec<u64>) = pairs().filter(seen).unzip();
            a.push(0);
            b.push(pairs().filter(|pair| !seen(pair)).map(|(_, current)| current).sum());
            of_shares(algorithm, &a, &b)
        }
        Algorithm::LInfinity => of_shares(algorithm, reference, current),
        Algorithm::KolmogorovSmirnov | Algorithm::Wasserstein => Err(Reason::NumbersOnly),
        Algorithm::Psi => Err(Reason::NotInConvention),
    }
}

fn of_shares(algorithm: Algorithm, reference: &[u64], current: &[u64]) -> Result<Computed, Reason> {
    if reference.iter().all(|count| *count == 0) {
        return Err(Reason::BaselineEmpty);
    }
    if current.iter().all(|count| *count == 0) {
        return Err(Reason::WindowEmpty);
    }
    let (p, q) = (shares::shares(reference), shares::shares(current));
    Computed::exact(match algorithm {
        Algorithm::JensenShannon => shares::jensen_shannon_base_2(&p, &q),
        Algorithm::Hellinger => shares::hellinger(&p, &q),
        _ => shares::l_infinity(&p, &q),
    })
}

/// The share of each bin and all bins before it.
fn cumulated<'a>(counts: &'a [u64], total: f64) -> impl Iterator<Item = f64> + 'a {
    counts.iter().scan(0u64, move |below, count| {
        *below += count;
        Some(*below as f64 / total)
    })
}

/// The largest difference of the distribution functions at the edges.
fn largest_gap(a: &[f64], b: &[f64], edges: &[f64]) -> f64 {
    let (in_a, in_b) = (histogram::histogram(a, edges), histogram::histogram(b, edges));
    let total = b.len() as f64;
    let lower = b.partition_point(|value| *value < edges[0]) as f64 / total;
    let gaps = cumulated(&in_a, a.len() as f64).zip(cumulated(&in_b, total)).map(|(a, b)| (a - (lower + b)).abs());
    gaps.fold(0.0, f64::max)
}

/// The area between the distribution functions, in rectangles between the edges, and beyond them as NannyML has it: the edge
/// counts as one value more.
fn area(a: &[f64], b: &[f64], edges: &[f64]) -> f64 {
    let total = b.len() as f64;
    let (first, last) = (edges[0], edges[edges.len() - 1]);
    let smaller = &b[..b.partition_point(|value| *value < first)];
    let bigger = &b[b.partition_point(|value| *value <= last)..];
    let lower = if smaller.is_empty() { 0.0 } else { (smaller.len() + 1) as f64 / total };
    let below: f64 = smaller.iter().map(|value| (first - value) / total).sum();
    let above: f64 = bigger.iter().map(|value| (value - last) / total).sum();
    let (in_a, in_b) = (histogram::histogram(a, edges), histogram::histogram(b, edges));
    let width = edges[1] - edges[0];
    let within: f64 = cumulated(&in_a, a.len() as f64)
        .zip(cumulated(&in_b, total))
        .map(|(a, b)| (a - (b + lower)).abs() * width)
        .sum();
    within + below + above
}
