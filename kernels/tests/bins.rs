//! Histograms on every tier are those that are counted one comparison after the other.

use servoir_kernels::Tier;
use servoir_kernels::bins::{BINS_MAX, Edges, Tally};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What a tally must be, from the definition.
fn by_definition(edges: &[f64], pivot: f64, values: impl Iterator<Item = f32>) -> Tally {
    let mut tally = Tally::default();
    for value in values {
        let wide = f64::from(value);
        if value.is_nan() {
            tally.nulls += 1;
        } else if value.is_infinite() {
            tally.infinite += 1;
        } else {
            let bin = &mut tally.bins[edges.iter().filter(|edge| **edge <= wide).count()];
            bin.count += 1;
            bin.sum += wide - pivot;
            tally.squares += (wide - pivot) * (wide - pivot);
            tally.min = tally.min.min(wide);
            tally.max = tally.max.max(wide);
        }
    }
    tally
}

#[test]
fn every_tier_counts_the_same() {
    let mut random = Random(11);
    for case in 0..400 {
        let scale = 10f64.powi(random.below(12) as i32 - 6);
        let mut edges: Vec<f64> = (0..random.below(BINS_MAX)).map(|_| (random.uniform() - 0.5) * scale).collect();
        if case % 3 == 0 {
            // Such as a model's own numbers, which are of single precision.
            edges.iter_mut().for_each(|edge| *edge = f64::from(*edge as f32));
        }
        if case % 20 == 7 {
            edges.extend([-f64::MAX, -1e39, 0.0, 1e39, f64::MAX]);
            edges.truncate(BINS_MAX - 1);
        }
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let pivot = edges.get(edges.len() / 2).copied().unwrap_or(0.0);
        // Now and then more than a kernel finds bins of before it counts them.
        let (rows, width) = (random.below(if case % 8 == 0 { 700 } else { 100 }), 1 + random.below(40));
        let values: Vec<f32> = (0..rows * width)
            .map(|_| match random.below(if case % 2 == 0 { 1000 } else { 12 }) {
                0 => f32::NAN,
                1 => [f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, f32::MAX, f32::MIN, 1e-45][random.below(7)],
                2 | 3 if !edges.is_empty() => {
                    let edge = edges[random.below(edges.len())] as f32;
                    [edge, edge.next_up(), edge.next_down()][random.below(3)]
                }
                _ => ((random.uniform() - 0.5) * scale * 1.5) as f32,
            })
            .collect();
        let kernel = Edges::new(&edges, pivot);
        for column in [0, width - 1, random.below(width)] {
            let expected = by_definition(&edges, pivot, values.iter().skip(column).step_by(width).copied());
            for tier in Tier::available() {
                let mut tally = Tally::default();
                tally.add(&kernel.on(tier), &values, (column, width));
                let near = (tally.squares - expected.squares).abs() <= 1e-12 * expected.squares
                    || !expected.squares.is_finite();
                assert!(near, "case {case} on {}: {} and {}", tier.as_str(), tally.squares, expected.squares);
                tally.squares = expected.squares;
                let bits = |tally: &Tally| tally.bins.map(|bin| (bin.count, bin.sum.to_bits()));
                assert_eq!(bits(&tally), bits(&expected), "case {case} on {}", tier.as_str());
                assert_eq!(
                    (tally.nulls, tally.infinite, tally.min, tally.max),
                    (expected.nulls, expected.infinite, expected.min, expected.max),
                    "case {case} on {}",
                    tier.as_str()
                );
            }
        }
    }
}

#[test]
fn a_column_that_is_not_there_has_nothing() {
    let edges = Edges::new(&[0.0, 1.0], 0.0);
    for tier in Tier::available() {
        for (values, place) in [(&[][..], (0, 3)), (&[1.0; 3], (3, 3)), (&[], (0, 0)), (&[1.0; 40], (40, 1))] {
            let mut tally = Tally::default();
            tally.add(&edges.on(tier), values, place);
            assert_eq!(tally, Tally::default());
        }
    }
}
