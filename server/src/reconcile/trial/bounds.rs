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
        let edge = |outside| edge((self.found(), self.of), outside, risk);
        (edge(0.0), edge(1.0))
    }
}

/// The mean of numbers from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    /// What they add up to.
    pub sum: f64,
    /// How many they are.
    pub of: u64,
}

impl Mean {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        self.sum += number.clamp(0.0, 1.0);
        self.of += 1;
    }

    /// The mean as it was found; 0 of nothing.
    pub fn found(self) -> f64 {
        if self.of == 0 { 0.0 } else { (self.sum / self.of as f64).min(1.0) }
    }

    /// What the true mean is at least, but for `risk`, at every moment at once. It is the lower bound of a share: the likelihood
    /// ratio of two coins is convex in what was tossed, so for a number between 0 and 1 of the same mean its expectation is no larger
    /// than for a coin, and what is a martingale there does not grow on average here.
    pub fn least(self, risk: f64) -> f64 {
        edge((self.found(), self.of), 0.0, risk)
    }
}

/// How far towards `outside` what was found of so many leaves the truth open.
fn edge((found, of): (f64, u64), mut outside: f64, risk: f64) -> f64 {
    if of == 0 {
        return outside;
    }
    let count = of as f64;
    let most = ((2.0 / risk).ln() + count.ln() / 2.0) / count;
    let mut inside = found;
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(inside, outside);
        match divergence(found, middle) <= most {
            true => inside = middle,
            false => outside = middle,
        }
    }
    outside
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
    fn the_true_mean_is_below_its_bound_no_more_often_than_said() {
        const RUNS: u32 = 200;
        let (mut random, risk) = (Random::default(), 0.3);
        // Numbers that are mostly 0 and sometimes anything, all alike, and all or nothing; each with its mean.
        let cases: [(f64, fn(&mut Random) -> f64); 3] = [
            (0.1, |random| if random.uniform() < 0.2 { random.uniform() } else { 0.0 }),
            (0.5, |random| random.uniform()),
            (0.3, |random| if random.uniform() < 0.3 { 1.0 } else { 0.0 }),
        ];
        for (truth, next) in cases {
            let mut above = 0;
            for _ in 0..RUNS {
                let mut mean = Mean::default();
                let is_above = (0..200).any(|_| {
                    mean.add(next(&mut random));
                    mean.least(risk) > truth
                });
                above += u32::from(is_above);
            }
            assert!(f64::from(above) <= risk * f64::from(RUNS), "{above} of {RUNS} bounds were above {truth}");
        }
    }

    #[test]
    fn the_mixture_is_bounded_between_whole_numbers_too() {
        // What is used of Krichevsky and Trofimov, for sums that need not be whole: B(s + 1/2, n - s + 1/2) / π is at least
        // exp(-n H(s/n)) / (2 √n). The integral is taken by its middle points, with q = sin² t.
        for n in [1.0_f64, 2.0, 5.0, 17.0, 60.0] {
            for tenth in 0..=20 {
                let s = n * f64::from(tenth) / 20.0;
                let steps = 20_000;
                let at = |step: i32| {
                    let t = (f64::from(step) + 0.5) / f64::from(steps) * std::f64::consts::FRAC_PI_2;
                    2.0 * t.sin().powf(2.0 * s) * t.cos().powf(2.0 * (n - s))
                };
                let mixture = (0..steps).map(at).sum::<f64>() / f64::from(steps) * std::f64::consts::FRAC_PI_2;
                let part = |x: f64| if x == 0.0 { 0.0 } else { x * x.ln() };
                let likeliest = (n * (part(s / n) + part(1.0 - s / n))).exp();
                let mixture = mixture / std::f64::consts::PI;
                assert!(mixture >= likeliest / (2.0 * n.sqrt()) * (1.0 - 1e-6), "{s} of {n}: {mixture}");
            }
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
