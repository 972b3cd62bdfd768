//! How far apart two distributions over the same bins are.

/// The shares of counts; nothing of nothing.
pub fn shares(counts: &[u64]) -> Vec<f64> {
    let total = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|count| *count as f64 / total).collect()
}

/// The population stability index `Σ (p-q) ln(p/q)`, of shares that are above 0.
pub fn psi(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q) * (p / q).ln()).sum()
}

/// Puts `least` in the place of each share of 0. The shares then add up to more than 1, as every convention leaves it.
pub fn floored(shares: &[f64], least: f64) -> Vec<f64> {
    shares.iter().map(|share| if *share == 0.0 { least } else { *share }).collect()
}

/// The Jensen-Shannon distance: the square root of the divergence, with natural logarithms; 0 to `sqrt(ln 2)`.
/// Shares are first made to add up to 1, as `scipy.spatial.distance.jensenshannon` does.
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let (p_sum, q_sum): (f64, f64) = (p.iter().sum(), q.iter().sum());
    let (mut left, mut right) = (0.0, 0.0);
    for (p, q) in p.iter().zip(q) {
        let (p, q) = (p / p_sum, q / q_sum);
        let middle = (p + q) / 2.0;
        left += relative_entropy(p, middle);
        right += relative_entropy(q, middle);
    }
    ((left + right) / 2.0).max(0.0).sqrt()
}

/// The same with logarithms to the base 2: 0 to 1.
pub fn jensen_shannon_base_2(p: &[f64], q: &[f64]) -> f64 {
    jensen_shannon(p, q) / std::f64::consts::LN_2.sqrt()
}

fn relative_entropy(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}

/// The Hellinger distance, 0 to 1.
pub fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    let squares: f64 = p.iter().zip(q).map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum();
    (squares / 2.0).sqrt().min(1.0)
}

/// The largest difference of two shares of the same bin, 0 to 1.
pub fn l_infinity(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}
