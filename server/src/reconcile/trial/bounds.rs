//! Bounds on a share that hold at every moment at once, however often somebody looks.

/// A share: so many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many are counted.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// Adds to both.
    pub fn add(&mut self, hits: u64, of: u64) {
        self.hits += hits;
        self.of += of;
    }

    /// The share as it was found; 0 of nothing.
    pub fn found(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.hits as f64 / self.of as f64 }
    }

    /// The bounds that the true share of independent tries stays within. With probability `1 - risk` it does so at every count
    /// from the first try on, so that one may look as often as one likes and stop when one likes.
    ///
    /// For each share p, the likelihood of what was found, mixed over Jeffreys' prior and divided by its likelihood under p,
    /// is a martingale when p is true, and ever reaches 1/risk with probability `risk` at most (J. Ville, Étude critique de la
    /// notion de collectif, 1939; H. Robbins, Ann. Math. Statist. 41, 1970). The bounds leave out the shares for which it has.
    /// The mixture is at least `exp(-n H(k/n)) / (2 √n)` (R. Krichevsky and V. Trofimov, IEEE Trans. Inf. Theory 27, 1981),
    /// which leaves those with `n KL(k/n, p) <= ln(2/risk) + ln(n)/2`.
    pub fn bounds(self, risk: f64) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 1.0);
        }
        let (found, count) = (self.found(), self.of as f64);
        let most = ((2.0 / risk).ln() + count.ln() / 2.0) / count;
        let edge = |mut outside: f64| {
            let mut inside = found;
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(inside, outside);
                match divergence(found, middle) <= most {
                    true => inside = middle,
                    false => outside = middle,
                }
            }
            outside
        };
        (edge(0.0), edge(1.0))
    }
}

/// Steps of halving an interval of length 1 that leave less than can be told apart.
const HALVINGS: usize = 60;

/// The Kullback-Leibler divergence of two coins in nats, the first as it was found.
fn divergence(found: f64, p: f64) -> f64 {
    let part = |found: f64, p: f64| if found == 0.0 { 0.0 } else { found * (found / p).ln() };
    part(found, p) + part(1.0 - found, 1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitoring::random::Random;

    #[test]
    fn the_true_share_leaves_the_bounds_no_more_often_than_said() {
        const RUNS: u32 = 200;
        let (mut random, risk) = (Random::default(), 0.5);
        for p in [0.1, 0.7] {
            let mut left = 0;
            for _ in 0..RUNS {
                let mut share = Share::default();
                let leaves = (0..200).any(|_| {
                    share.add(u64::from(random.uniform() < p), 1);
                    let (low, high) = share.bounds(risk);
                    p < low || p > high
                });
                left += u32::from(leaves);
            }
            assert!(left > 0 && f64::from(left) <= risk * f64::from(RUNS), "{left} of {RUNS} left the bounds of {p}");
        }
    }

    #[test]
    fn bounds_are_where_the_inequality_ends() {
        for (hits, of) in [(0, 1), (1, 1), (3, 10), (0, 1000), (1000, 1000), (17, 100_000), (999_999, 1_000_000_000)] {
            let share = Share { hits, of };
            let (low, high) = share.bounds(0.01);
            let most = ((2.0 / 0.01_f64).ln() + (of as f64).ln() / 2.0) / of as f64;
            assert!(low <= share.found() && share.found() <= high, "{hits} of {of}: {low} to {high}");
            for edge in [low, high].into_iter().filter(|edge| *edge > 0.0 && *edge < 1.0) {
                let there = divergence(share.found(), edge);
                assert!((there - most).abs() <= 1e-6 * most, "{hits} of {of}: {there} at {edge}, expected {most}");
            }
        }
        assert_eq!(Share::default().bounds(0.01), (0.0, 1.0));
        assert_eq!(Share { hits: 0, of: 10 }.bounds(0.01).0, 0.0);
        assert_eq!(Share { hits: 10, of: 10 }.bounds(0.01).1, 1.0);
    }
}
