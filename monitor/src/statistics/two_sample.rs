//! The p-value of the Kolmogorov-Smirnov statistic of two samples, as `scipy.stats.ks_2samp` has it.

use super::kolmogorov;

/// Samples up to this size get the exact p-value.
const EXACT_MAX: u64 = 10_000;

/// The two-sided p-value of a statistic `d` of samples of `n` and `m` values: exact up to 10,000 values, otherwise Smirnov's
/// limit.
pub fn p_value(n: u64, m: u64, d: f64) -> f64 {
    if n.max(m) <= EXACT_MAX { exact(n, m, d) } else { asymptotic(n, m, d) }
}

/// Smirnov's limit: the distribution of one sample of the size `nm/(n+m)`, rounded.
pub fn asymptotic(n: u64, m: u64, d: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    kolmogorov::survival((n * m / (n + m)).round_ties_even() as u64, d)
}

fn exact(n: u64, m: u64, d: f64) -> f64 {
    let divisor = greatest_common_divisor(n, m);
    let steps = (d * ((n / divisor) * m) as f64).round_ties_even() as u64;
    match steps {
        0 => 1.0,
        _ if n == m => outside_square(n, steps),
        _ => outside(n, m, divisor, steps),
    }
    .clamp(0.0, 1.0)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The share of the paths from (0, 0) to (n, n) that somewhere are `steps` from the diagonal, by reflections.
fn outside_square(n: u64, steps: u64) -> f64 {
    let mut p = 0.0;
    for k in (0..=n / steps).rev() {
        let factor: f64 =
            (0..steps).map(|j| (n as f64 - (k * steps) as f64 - j as f64) / (n + k * steps + j + 1) as f64).product();
        p = factor * (1.0 - p);
    }
    2.0 * p
}

/// The share of the paths from (0, 0) to (m, n) that somewhere are `steps` from the diagonal, column by column (Hodges, 1957).
fn outside(a: u64, b: u64, divisor: u64, steps: u64) -> f64 {
    let (m, n) = (a.max(b) as i64, a.min(b) as i64);
    let (m_unit, n_unit, steps) = (m / divisor as i64, n / divisor as i64, steps as i64);
    let ceiling = |numerator: i64| (numerator + m_unit - 1).div_euclid(m_unit);
    // Of the paths to each point of the last column that was done, those that have been outside; 1 beyond the window.
    let mut column = vec![1.0f64; n as usize + 1];
    let first = ceiling(steps).min(n + 1);
    column[..first as usize].fill(0.0);
    for x in 1..=m {
        let from = ((n_unit * x - steps).div_euclid(m_unit) + 1).clamp(0, n);
        let to = ceiling(n_unit * x + steps).min(n + 1);
        if to <= from {
            return 1.0;
        }
        let mut below = if from == 0 { 0.0 } else { 1.0 };
        for y in from..to {
            let here = &mut column[y as usize];
            below = (*here * x as f64 + below * y as f64) / (x + y) as f64;
            *here = below;
        }
    }
    column[n as usize]
}
