//! Rows, scores and histograms on a device are what their scalar forms say.

use super::random::{Random, SPECIAL};
use servoir_kernels::Tier;
use servoir_kernels::bins::{BINS_MAX, Edges, Tally};
use servoir_kernels::cuda::{
    CudaError, Device, DeviceBins, Element, Half, Rows, Scores, Transfers, Wanted, gather_scalar, highest_scalar,
    sigmoid_scalar, softmax_scalar,
};
use std::sync::Arc;

/// Numbers of a wide range, some of them special.
fn numbers(count: usize, random: &mut Random) -> Vec<f64> {
    let number = |random: &mut Random| match random.below(12) {
        0 => SPECIAL[random.below(SPECIAL.len())],
        1 => f64::NAN,
        // About the least and the greatest of 16 bits, and in the middle between two of them.
        2 => f64::from_bits((1023 - 25 + random.next() % 14) << 52 | random.next() >> 12),
        3 => 65_504.0 + random.below(32) as f64,
        4 => (2_048 + 2 * random.below(1_000)) as f64 + 1.0,
        5 => f64::from((2_049.0f32 + 2.0 * random.below(500) as f32).next_up()) + 1e-9,
        _ => (random.next() >> 11) as f64 / (1u64 << 40) as f64 - 4_096.0,
    };
    (0..count).map(|_| number(random)).collect()
}

fn gathers<S: Element, D: Wanted>(rows: &mut Rows, of: impl Fn(f64) -> S, what: &str) {
    let mut random = Random(9);
    for (count, width) in [(0, 3), (1, 1), (7, 5), (300, 33), (70_000, 1)] {
        let from: Vec<S> = numbers(count * width, &mut random).into_iter().map(&of).collect();
        let index: Vec<u32> = (0..count.min(40) * 2).map(|_| u32::try_from(random.below(count)).unwrap()).collect();
        for index in [None, Some(&*index)] {
            let wanted = index.map_or(count, <[u32]>::len) * width;
            let (mut expected, mut got) = (vec![D::nearest(1.0); wanted], vec![D::nearest(2.0); wanted]);
            gather_scalar(&from, width, index, &mut expected).unwrap();
            rows.gather(&from, width, index, &mut got).unwrap_or_else(|error| panic!("{what}: {error}"));
            let same = |(got, expected): (&D, &D)| {
                let (got, expected): (f64, f64) = ((*got).into(), (*expected).into());
                got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan()
            };
            let wrong = got.iter().zip(&expected).position(|pair| !same(pair));
            assert!(wrong.is_none(), "{what}, {count} rows of {width}: {:?}", wrong.map(|at| got[at].into()));
        }
    }
}

/// Every kind of element becomes every other.
pub fn rows(device: &Arc<Device>) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // cut to what there is, NaN to 0
    let byte = |x: f64| x as u8;
    #[allow(clippy::cast_possible_truncation)] // rounded to nearest
    let single = |x: f64| x as f32;
    let mut rows = Rows::new(device).unwrap();
    gathers::<_, Half>(&mut rows, byte, "u8 to f16");
    gathers::<_, f32>(&mut rows, byte, "u8 to f32");
    gathers::<_, f64>(&mut rows, byte, "u8 to f64");
    gathers::<_, Half>(&mut rows, Half::nearest, "f16 to f16");
    gathers::<_, f32>(&mut rows, Half::nearest, "f16 to f32");
    gathers::<_, f64>(&mut rows, Half::nearest, "f16 to f64");
    gathers::<_, Half>(&mut rows, single, "f32 to f16");
    gathers::<_, f32>(&mut rows, single, "f32 to f32");
    gathers::<_, f64>(&mut rows, single, "f32 to f64");
    gathers::<_, Half>(&mut rows, |x| x, "f64 to f16");
    gathers::<_, f32>(&mut rows, |x| x, "f64 to f32");
    gathers::<_, f64>(&mut rows, |x| x, "f64 to f64");
    let error = rows.gather(&[1.0f32; 4], 2, Some(&[0, 2]), &mut [0.0f32; 4]).unwrap_err();
    assert_eq!(error.to_string(), "row 2 is asked for, and there are 2");
    assert!(matches!(rows.gather(&[1.0f32; 4], 3, None, &mut [0.0f32; 4]), Err(CudaError::Shape(_))));
}

/// Copying alone is done again and again.
pub fn transfers(device: &Arc<Device>) {
    for (there, back) in [(0, 0), (1_000, 10), (1, 100_000)] {
        let mut transfers = Transfers::new(device, there, back).unwrap();
        transfers.run().unwrap();
        transfers.run().unwrap();
    }
}

/// How many numbers lie between two of the same sign.
fn apart(left: f32, right: f32) -> u32 {
    if left.is_nan() && right.is_nan() { 0 } else { left.to_bits().abs_diff(right.to_bits()) }
}

/// Shares, and the highest of them.
pub fn scores(device: &Arc<Device>) {
    let mut scores = Scores::new(device).unwrap();
    let mut random = Random(21);
    for (rows, width) in [(0, 4), (1, 1), (5, 2), (40, 10), (9, 31), (9, 32), (9, 33), (3, 1_000), (700, 3)] {
        let values: Vec<f32> = (0..rows * width).map(|_| random.below(40_000) as f32 / 1_000.0 - 20.0).collect();
        let (mut expected, mut got) = (values.clone(), values.clone());
        softmax_scalar(&mut expected, width);
        scores.softmax(&mut got, width).unwrap();
        let worst = got.iter().zip(&expected).map(|(got, expected)| apart(*got, *expected)).max().unwrap_or(0);
        assert!(worst <= 8, "{rows} rows of {width} are {worst} numbers apart");
        let (mut expected, mut got) = (values.clone(), values.clone());
        sigmoid_scalar(&mut expected);
        scores.sigmoid(&mut got).unwrap();
        let worst = got.iter().zip(&expected).map(|(got, expected)| apart(*got, *expected)).max().unwrap_or(0);
        assert!(worst <= 4, "{worst} numbers apart");
        // Many equals, and every special number.
        let special = |random: &mut Random| match random.below(6) {
            0 => SPECIAL[random.below(SPECIAL.len())] as f32,
            1 => f32::NAN,
            _ => random.below(8) as f32 - 4.0,
        };
        let values: Vec<f32> = (0..rows * width).map(|_| special(&mut random)).collect();
        for count in [0, 1, 3, width] {
            let count = count.min(width);
            let (indices, highest) = scores.highest(&values, width, count).unwrap();
            let (expected_indices, expected_highest) = highest_scalar(&values, width, count).unwrap();
            assert_eq!(indices, expected_indices, "the {count} highest of {rows} rows of {width}");
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&highest), bits(&expected_highest));
        }
    }
    assert!(scores.highest(&[1.0; 6], 3, 4).is_err());
    assert!(scores.softmax(&mut [1.0; 7], 3).is_err());
}

/// Histograms of columns, all of them or some.
pub fn histograms(device: &Arc<Device>) {
    let mut random = Random(33);
    for (case, (rows, width)) in [(0, 5), (1, 1), (600, 3), (5_000, 20), (40, 9), (3_000, 1)].into_iter().enumerate() {
        let scale = [1e-3, 1.0, 1e4][case % 3];
        let columns: Vec<(usize, Vec<f64>)> = (0..width)
            .rev()
            .filter(|column| case % 2 == 0 || column % 3 != 1)
            .map(|column| {
                let mut edges: Vec<f64> =
                    (0..random.below(BINS_MAX)).map(|_| (random.below(1_000) as f64 / 500.0 - 1.0) * scale).collect();
                edges.sort_by(f64::total_cmp);
                edges.dedup();
                (column, edges)
            })
            .collect();
        let kernels: Vec<(usize, Edges)> =
            columns.iter().map(|(column, edges)| (*column, Edges::new(edges, scale / 3.0))).collect();
        let values: Vec<f32> = (0..rows * width)
            .map(|_| match random.below(30) {
                0 => f32::NAN,
                1 => [f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN, 1e-45][random.below(6)],
                _ => ((random.below(100_000) as f64 / 40_000.0 - 1.25) * scale) as f32,
            })
            .collect();
        let mut bins = DeviceBins::new(device, &kernels).unwrap();
        let mut got = vec![Tally::default(); kernels.len()];
        // Twice, so that what is there is added to.
        for _ in 0..2 {
            bins.add(&values, width, &mut got).unwrap();
        }
        for ((column, edges), got) in kernels.iter().zip(&got) {
            let mut expected = Tally::default();
            for _ in 0..2 {
                expected.add(&edges.on(Tier::Scalar), &values, (*column, width));
            }
            let what = format!("case {case}, column {column}");
            let counts = |tally: &Tally| (tally.bins.map(|bin| bin.count), tally.nulls, tally.infinite);
            assert_eq!(counts(got), counts(&expected), "{what}");
            assert_eq!((got.min, got.max), (expected.min, expected.max), "{what}");
            // Both are as near to the exact sum as is promised.
            let size: f64 = values
                .iter()
                .skip(*column)
                .step_by(width)
                .filter(|value| value.is_finite())
                .map(|value| (f64::from(*value) - scale / 3.0).abs())
                .sum::<f64>()
                * 2.0;
            let near =
                |got: f64, expected: f64, size: f64| (got - expected).abs() <= 4.0 * rows as f64 * f64::EPSILON * size;
            for (got, expected) in got.bins.iter().zip(&expected.bins) {
                assert!(near(got.sum, expected.sum, size), "{what}: {} and {}", got.sum, expected.sum);
            }
            let squares = near(got.squares, expected.squares, expected.squares);
            assert!(squares, "{what}: {} and {}", got.squares, expected.squares);
        }
        let error = bins.add(&values, width, &mut []).is_err();
        assert!(error || kernels.is_empty());
    }
}
