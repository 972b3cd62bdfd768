//! What every processor's [`Lanes`] are held to: each function against its own description, value by value.

use super::super::blocks::ROWS;
use super::super::random::{Number, Random};
use super::super::slices::{ABREAST, BITS_MAX, LEAVES_MAX};
use super::super::{Feature, Sum};
use super::Lanes;
use std::array::from_fn;

/// Random cases of a function, beside those at its edges.
const CASES: usize = 500;

/// Holds all functions of `lanes` to what they say. It is to be called where the instructions are known to be there, and is inlined
/// there.
#[inline(always)]
pub fn hold(lanes: impl Lanes) {
    let random = &mut Random(0x9e37_79b9_7f4a_7c15);
    at_most(lanes, random);
    choose(lanes, random);
    numbers::<0>(lanes, random);
    numbers::<1>(lanes, random);
    numbers::<2>(lanes, random);
    numbers::<3>(lanes, random);
    numbers::<4>(lanes, random);
    numbers::<5>(lanes, random);
    numbers::<6>(lanes, random);
    numbers::<7>(lanes, random);
    numbers::<BITS_MAX>(lanes, random);
    thresholds_below::<f32>(lanes, random);
    thresholds_below::<f64>(lanes, random);
    add::<f32>(lanes, random);
    add::<f64>(lanes, random);
}

#[inline(always)]
fn at_most(lanes: impl Lanes, random: &mut Random) {
    for most in 0..=u8::MAX {
        let near = |random: &mut Random| most.wrapping_add(random.below(3) as u8).wrapping_sub(1);
        let cases: [[u8; ROWS]; 6] = [
            [most; ROWS],
            [0; ROWS],
            [u8::MAX; ROWS],
            from_fn(|row| (4 * row) as u8),
            from_fn(|_| near(random)),
            from_fn(|_| random.below(256) as u8),
        ];
        for ranks in cases {
            let word = lanes.at_most(&ranks, u32::from_ne_bytes([most; 4]));
            for (row, rank) in ranks.iter().enumerate() {
                assert_eq!(word >> row & 1 == 1, *rank <= most, "row {row}, at most {most}: {ranks:?}");
            }
        }
    }
}

/// A word with few bits, with many, or with none or all.
fn word(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => u64::MAX,
        2 => 1 << random.below(64),
        _ => random.next(),
    }
}

#[inline(always)]
fn choose(lanes: impl Lanes, random: &mut Random) {
    for _ in 0..CASES {
        let [turn, left, old]: [[u64; ABREAST]; 3] = from_fn(|_| from_fn(|_| word(random)));
        let mut right = old;
        lanes.choose(&turn, &left, &mut right);
        for tree in 0..ABREAST {
            for row in 0..64 {
                let expected = if turn[tree] >> row & 1 == 1 { left } else { old };
                assert_eq!(right[tree] >> row & 1, expected[tree] >> row & 1, "row {row} of tree {tree}");
            }
        }
    }
}

#[inline(always)]
fn numbers<const BITS: usize>(lanes: impl Lanes, random: &mut Random) {
    for _ in 0..CASES {
        let planes: [u64; BITS] = from_fn(|_| word(random));
        let numbers = lanes.numbers(&planes);
        for (row, number) in numbers.iter().enumerate() {
            let expected: u64 = planes.iter().enumerate().map(|(bit, plane)| (plane >> row & 1) << bit).sum();
            assert_eq!(u64::from(*number), expected, "row {row} of {planes:x?}");
        }
    }
}

#[inline(always)]
fn thresholds_below<X: Feature + Number>(lanes: impl Lanes, random: &mut Random) {
    for case in 0..CASES {
        let count = if case < 20 { case } else { random.below(700) };
        let mut thresholds: Vec<X> = (0..count).map(|_| random.number()).collect();
        thresholds.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
        let values: [X; ROWS] = from_fn(|_| if random.chance(5) { X::of(f64::NAN) } else { random.number() });
        let below = lanes.thresholds_below(&thresholds, &values);
        for (x, below) in values.iter().zip(below) {
            let expected = thresholds.iter().filter(|threshold| *threshold < x).count();
            assert_eq!(below as usize, expected, "{x:?} of {thresholds:?}");
        }
    }
}

#[inline(always)]
fn add<T: Sum + Number + Into<f64>>(lanes: impl Lanes, random: &mut Random) {
    for length in 1..=LEAVES_MAX {
        let table: Vec<T> = (0..length).map(|_| random.value()).collect();
        // The last value is asked for too.
        let numbers: [u8; ROWS] = from_fn(|row| if row == 0 { length - 1 } else { random.below(length) } as u8);
        let before: [T; ROWS] = from_fn(|_| random.value());
        let mut sums = before;
        // SAFETY: the numbers are below the table's length.
        unsafe { lanes.add(&table, &numbers, &mut sums) };
        for ((mut expected, number), sum) in before.into_iter().zip(numbers).zip(sums) {
            expected += table[usize::from(number)];
            assert_eq!(sum.into().to_bits(), expected.into().to_bits(), "value {number} of {length}");
        }
    }
}
