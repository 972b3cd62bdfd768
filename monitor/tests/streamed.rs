//! Statistics from counts alone, beside those of the raw values: within their bounds on a thousand random pairs of distributions.

mod support;

use servoir_monitor::convention::{Algorithm, Computed, servoir};
use servoir_monitor::statistics::reason::Reason;
use servoir_monitor::statistics::samples::{self, Sample};
use servoir_monitor::statistics::{shares, two_sample};
use servoir_monitor::{NumberCounts, NumberProfile, Precision};
use support::Random;

const PAIRS: u64 = 1000;

/// For rounding, as a part of the values' range.
const ROUNDING: f64 = 1e-9;

fn counted(profile: &NumberProfile, values: &[f64]) -> NumberCounts {
    let mut counts = NumberCounts::default();
    counts.add(&profile.grid, values);
    counts
}

/// A distribution to draw from: its kind with where it lies and how wide it is.
struct Distribution {
    kind: usize,
    place: f64,
    width: f64,
    missing: f64,
}

const KINDS: usize = 8;

impl Distribution {
    fn random(random: &mut Random) -> Self {
        let width = [1e-6, 0.1, 1.0, 1.0, 30.0, 1e6][random.below(6)];
        let place = [0.0, 0.0, 1.0, -7.0, 1e5][random.below(5)] * width;
        let missing = [0.0, 0.0, 0.1, 0.9][random.below(4)];
        Self { kind: random.below(KINDS), place, width, missing }
    }

    /// The same, a little or far away, or another altogether.
    fn moved(&self, random: &mut Random) -> Self {
        let same = Self { ..*self };
        match random.below(5) {
            0 => same,
            1 => Self { place: self.place + 0.2 * self.width, ..same },
            2 => Self { place: self.place + 3.0 * self.width, ..same },
            3 => Self { width: self.width * 1.7, missing: 0.3, ..same },
            _ => Self { kind: random.below(KINDS), ..same },
        }
    }

    fn draw(&self, random: &mut Random) -> f64 {
        if random.uniform() < self.missing {
            return [f64::NAN, f64::NAN, f64::NAN, f64::INFINITY][random.below(4)];
        }
        let standard = match self.kind {
            0 => random.normal(),
            1 => random.normal().exp(),
            2 => random.normal() / random.uniform().powf(0.8),
            3 => random.below(5) as f64,
            4 => random.below(100) as f64,
            5 => 1.0,
            6 if random.uniform() < 0.7 => 0.0,
            6 => -random.uniform().ln(),
            _ => random.uniform(),
        };
        self.place + self.width * standard
    }

    fn sample(&self, random: &mut Random, precision: Precision) -> Vec<f64> {
        let size = [3, 40, 500, 500, 3000, 20_000][random.below(6)];
        (0..size).map(|_| precision.round(self.draw(random))).collect()
    }
}

/// What the statistics of shares are when they are computed from the raw values and the deciles.
fn by_deciles(algorithm: Algorithm, profile: &NumberProfile, a: &[f64], b: &[f64]) -> f64 {
    let bins = |values: &[f64]| {
        let mut counts = vec![0; profile.deciles.len() + 1];
        values.iter().for_each(|value| counts[profile.deciles.partition_point(|edge| edge <= value)] += 1);
        shares::shares(&counts)
    };
    let (p, q) = (bins(a), bins(b));
    match algorithm {
        Algorithm::Psi => shares::psi(&shares::floored(&p, 1e-4), &shares::floored(&q, 1e-4)),
        Algorithm::JensenShannon => shares::jensen_shannon_base_2(&p, &q),
        Algorithm::Hellinger => shares::hellinger(&p, &q),
        _ => shares::l_infinity(&p, &q),
    }
}

#[track_caller]
fn within(name: &str, computed: Computed, raw: f64, rounding: f64) {
    let Computed { statistic, bound, .. } = computed;
    let is_within = (statistic - raw).abs() <= bound + rounding;
    assert!(is_within, "{name}: {statistic} with the bound {bound}, {raw} of the raw values");
}

#[test]
fn a_thousand_pairs_are_within_their_bounds() {
    let (mut computed, mut reasons) = (0, 0);
    let (mut largest_ks_bound, mut largest_ks_error) = (0.0f64, 0.0f64);
    let mut areas_off = Vec::new();
    for seed in 0..PAIRS {
        let mut random = Random(seed * 7919 + 1);
        let precision = [Precision::Single, Precision::Double][random.below(2)];
        let distribution = Distribution::random(&mut random);
        let reference = distribution.sample(&mut random, precision);
        let current = distribution.moved(&mut random).sample(&mut random, precision);
        let profile = NumberProfile::of(&reference, precision);
        let window = counted(&profile, &current);
        let (a, b) = (Sample::new(&reference), Sample::new(&current));
        let (a, b) = (a.values(), b.values());
        for algorithm in Algorithm::ALL {
            let name = format!("pair {seed} {algorithm:?}");
            let ours = match servoir::of_numbers(algorithm, &profile, &window) {
                Ok(ours) => ours,
                Err(reason) => {
                    let is_right = match reason {
                        Reason::BaselineEmpty => a.is_empty(),
                        Reason::WindowEmpty => b.is_empty(),
                        Reason::Constant => a.first() == a.last(),
                        reason => reason == Reason::CategoriesOnly && algorithm == Algorithm::ChiSquare,
                    };
                    assert!(is_right, "{name}: {reason}");
                    reasons += 1;
                    continue;
                }
            };
            computed += 1;
            match algorithm {
                Algorithm::KolmogorovSmirnov => {
                    let raw = samples::kolmogorov_smirnov(a, b);
                    assert!(raw >= ours.statistic - ROUNDING, "{name}: {} and {raw}", ours.statistic);
                    within(&name, ours, raw, ROUNDING);
                    let p = two_sample::asymptotic(a.len() as u64, b.len() as u64, ours.statistic);
                    assert_eq!(ours.p, Some(p), "{name}");
                    largest_ks_bound = largest_ks_bound.max(ours.bound);
                    largest_ks_error = largest_ks_error.max(raw - ours.statistic);
                }
                Algorithm::Wasserstein => {
                    let raw = samples::wasserstein(a, b) / samples::std(a);
                    within(&name, ours, raw, ROUNDING * raw.max(1.0) * 10.0);
                    areas_off.push((raw - ours.statistic).abs());
                }
                _ => {
                    let raw = by_deciles(algorithm, &profile, a, b);
                    assert!((ours.statistic - raw).abs() < 1e-12, "{name}: {} and {raw}", ours.statistic);
                }
            }
        }
    }
    println!("{computed} statistics, {reasons} reasons");
    println!("KS: bound at most {largest_ks_bound:.4}, error at most {largest_ks_error:.4}");
    areas_off.sort_by(f64::total_cmp);
    let off = |share: f64| areas_off[(areas_off.len() as f64 * share) as usize];
    println!("Wasserstein: off by {:.5} in the median, {:.4} of 95 %, {:.4} of 99 %", off(0.5), off(0.95), off(0.99));
    assert!(computed > 4000, "{computed} statistics were computed");
    assert!(largest_ks_bound < 1.0 / 30.0, "docs/monitoring.md says so: {largest_ks_bound}");
}

#[test]
fn identical_data_gives_exactly_nothing() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let values = Distribution::random(&mut random).sample(&mut random, Precision::Double);
        let profile = NumberProfile::of(&values, Precision::Double);
        let once = counted(&profile, &values);
        let mut thrice = once.clone();
        thrice.merge(&once);
        thrice.merge(&once);
        for algorithm in Algorithm::ALL {
            if let Ok(computed) = servoir::of_numbers(algorithm, &profile, &once) {
                assert_eq!(computed.statistic, 0.0, "seed {seed} {algorithm:?}");
                assert!(computed.p.is_none_or(|p| p == 1.0), "seed {seed} {algorithm:?}");
            }
            if let (Ok(computed), true) =
                (servoir::of_numbers(algorithm, &profile, &thrice), algorithm != Algorithm::Wasserstein)
            {
                assert_eq!(computed.statistic, 0.0, "seed {seed} {algorithm:?} three times");
            }
        }
    }
}

#[test]
fn chance_is_rarely_exceeded_when_nothing_differs() {
    const WINDOWS: usize = 500;
    let mut random = Random(5);
    let reference: Vec<f64> = (0..20_000).map(|_| random.normal().exp()).collect();
    let profile = NumberProfile::of(&reference, Precision::Double);
    for size in [40, 100, 1000] {
        for algorithm in [Algorithm::Psi, Algorithm::JensenShannon, Algorithm::Hellinger, Algorithm::Wasserstein] {
            let mut exceeded = 0;
            for _ in 0..WINDOWS {
                let values: Vec<f64> = (0..size).map(|_| random.normal().exp()).collect();
                let computed = servoir::of_numbers(algorithm, &profile, &counted(&profile, &values)).unwrap();
                exceeded += usize::from(computed.statistic > computed.chance.unwrap());
            }
            println!("{algorithm:?} of {size}: {exceeded} of {WINDOWS}");
            assert!(exceeded <= WINDOWS / 100, "{algorithm:?} of {size}: {exceeded} of {WINDOWS}");
        }
    }
}
