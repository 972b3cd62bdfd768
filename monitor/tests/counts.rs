//! Counts: any way of batching and merging gives the same, every element type counts, and they survive being stored.

mod support;

use servoir_monitor::{
    Baseline, CategoryCounts, CategoryIndex, CategoryProfile, Column, ColumnCounts, CountsError, Faults, Meter,
    NumberCounts, NumberProfile, Precision, Quality, VersionCounts,
};
use support::Random;

fn profile(random: &mut Random) -> NumberProfile {
    let values: Vec<f64> = (0..5000).map(|_| random.normal()).collect();
    NumberProfile::of(&values, Precision::Single)
}

fn value(random: &mut Random) -> f32 {
    match random.below(20) {
        0 => f32::NAN,
        1 => f32::INFINITY,
        2 => 1e30,
        _ => random.normal() as f32,
    }
}

/// Everything but the rounding of sums.
fn assert_same(name: &str, profile: &NumberProfile, a: &NumberCounts, b: &NumberCounts) {
    let of = |counts: &NumberCounts| -> Vec<u64> { counts.bins(&profile.grid).iter().map(|bin| bin.count).collect() };
    assert_eq!(of(a), of(b), "{name}");
    assert_eq!((a.nulls(), a.infinite(), a.min(), a.max()), (b.nulls(), b.infinite(), b.min(), b.max()), "{name}");
    for (a, b) in a.bins(&profile.grid).iter().zip(b.bins(&profile.grid)) {
        assert!((a.sum - b.sum).abs() <= 1e-12 * a.sum.abs().max(1.0), "{name}: {} and {}", a.sum, b.sum);
    }
}

#[test]
fn batches_and_merges_do_not_matter() {
    for seed in 0..50 {
        let mut random = Random(seed);
        let profile = profile(&mut random);
        let values: Vec<f32> = (0..random.below(3000)).map(|_| value(&mut random)).collect();
        let mut whole = NumberCounts::default();
        whole.add(&profile.grid, &values);

        let mut in_batches = NumberCounts::default();
        let mut parts = Vec::new();
        let mut rest = values.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(1 + random.below(rest.len()));
            in_batches.add(&profile.grid, batch);
            let mut part = NumberCounts::default();
            part.add(&profile.grid, batch);
            parts.push(part);
            rest = after;
        }
        assert_eq!(in_batches, whole, "batches add in the same order");
        let left = parts.iter().fold(NumberCounts::default(), |mut sum, part| {
            sum.merge(part);
            sum
        });
        let right = parts.iter().rev().fold(NumberCounts::default(), |mut sum, part| {
            let mut part = part.clone();
            part.merge(&sum);
            sum = part;
            sum
        });
        assert_same("from the left", &profile, &left, &whole);
        assert_same("from the right", &profile, &right, &whole);
    }
}

#[test]
fn a_bin_is_how_many_edges_are_not_above() {
    let mut random = Random(3);
    for count in 0..=63 {
        let mut edges: Vec<f64> = (0..count).map(|_| random.normal()).collect();
        edges.sort_by(f64::total_cmp);
        let grid = servoir_monitor::Grid::new(edges.clone()).unwrap();
        for value in edges.iter().flat_map(|edge| [*edge, edge.next_up(), edge.next_down()]).chain([-1e300, 0.0, 1e300])
        {
            assert_eq!(grid.bin(value), edges.partition_point(|edge| *edge <= value), "{count} edges, {value}");
        }
    }
}

#[test]
fn a_column_of_a_batch_is_counted_alone() {
    let mut random = Random(9);
    let profile = profile(&mut random);
    let batch: Vec<f32> = (0..7 * 100).map(|_| value(&mut random)).collect();
    for column in 0..7 {
        let values: Vec<f32> = batch.iter().skip(column).step_by(7).copied().collect();
        let (mut alone, mut strided) = (NumberCounts::default(), NumberCounts::default());
        alone.add(&profile.grid, &values);
        strided.add_column(&profile.grid, &batch, column, 7);
        assert_eq!(alone, strided, "column {column}");
    }
}

#[test]
fn every_element_type_counts() {
    let profile = NumberProfile::of(&[0.0, 1.0, 2.0, 3.0], Precision::Double);
    let mut want = NumberCounts::default();
    want.add(&profile.grid, &[1.0f64, 3.0]);
    macro_rules! check {
        ($($element:ty),*) => {$({
            let mut counts = NumberCounts::default();
            counts.add(&profile.grid, &[1 as $element, 3 as $element]);
            assert_eq!(counts, want, stringify!($element));
        })*};
    }
    check!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);
    let (mut bools, mut numbers) = (NumberCounts::default(), NumberCounts::default());
    bools.add(&profile.grid, &[true, false]);
    numbers.add(&profile.grid, &[1u8, 0]);
    assert_eq!(bools, numbers);
}

#[test]
fn means_and_deviations_are_right_where_values_are_large_and_near() {
    let values: Vec<f64> = (0..1000).map(|i| 1e12 + f64::from(i % 10)).collect();
    let profile = NumberProfile::of(&values, Precision::Double);
    assert_eq!(profile.counts.mean(&profile.grid), Some(1e12 + 4.5));
    assert!((profile.counts.std().unwrap() - 8.25f64.sqrt()).abs() < 1e-9);
    assert!((profile.std.unwrap() - 8.25f64.sqrt()).abs() < 1e-6);
    assert_eq!(NumberCounts::default().mean(&profile.grid), None);
    assert_eq!(NumberCounts::default().std(), None);
}

#[test]
fn categories_are_found_by_text_and_by_number() {
    let profile = CategoryProfile::of([Some("0"), Some("1"), Some("1"), Some("01"), Some("-3")]);
    let index = CategoryIndex::new(&profile);
    let mut by_text = CategoryCounts::new(&index);
    ["0", "1", "-3", "7", "", "01"].iter().for_each(|text| by_text.add(&index, text));
    assert_eq!((by_text.count(), by_text.other(), by_text.nulls()), (5, 1, 1));
    let mut by_number = CategoryCounts::new(&index);
    [0, 1, -3, 7].iter().for_each(|number| by_number.add_number(&index, *number));
    assert_eq!((by_number.count(), by_number.other(), by_number.nulls()), (4, 1, 0));
    let mut both = by_text.clone();
    both.merge(&by_number);
    assert_eq!(both.shares().iter().sum::<u64>(), 9);
}

fn baseline(random: &mut Random) -> Baseline {
    let features = vec![
        Column::number("a", profile(random)),
        Column::number("empty", NumberProfile::of(&[f64::NAN], Precision::Single)),
        Column::category("c", CategoryProfile::of([Some("x"), Some("y")])),
    ];
    Baseline::new(5000, features, vec![Column::category("label", CategoryProfile::of([Some("0"), Some("1")]))])
}

fn counted(baseline: &Baseline, random: &mut Random) -> VersionCounts {
    let meter = Meter::new(baseline);
    let mut counts = meter.counts();
    for _ in 0..500 {
        counts.rows += 1;
        let row = [value(random), value(random)];
        meter.features[0].count(&mut counts.features[0], &row, 0, 2);
        meter.features[1].count(&mut counts.features[1], &row, 1, 2);
        meter.features[2].count_text(&mut counts.features[2], ["x", "y", "z", ""][random.below(4)]);
        meter.outputs[0].count_integer(&mut counts.outputs[0], random.below(2) as i64);
    }
    counts.faults = Faults { wrong_type: 3, missing: 2, extra: 1_000_000 };
    counts
}

#[test]
fn counts_survive_being_stored_and_add_up() {
    let mut random = Random(21);
    let baseline = baseline(&mut random);
    let (a, b) = (counted(&baseline, &mut random), counted(&baseline, &mut random));
    for counts in [&a, &b, &Meter::new(&baseline).counts(), &VersionCounts::default()] {
        assert_eq!(&VersionCounts::from_bytes(&counts.to_bytes()).unwrap(), counts);
    }
    let mut sum = VersionCounts::from_bytes(&a.to_bytes()).unwrap();
    sum.merge(&VersionCounts::from_bytes(&b.to_bytes()).unwrap());
    assert_eq!((sum.rows, sum.faults.extra), (1000, 2_000_000));
    let nulls: Vec<u64> = [&a, &b, &sum]
        .map(|counts| match &counts.features[2] {
            ColumnCounts::Category(counts) => counts.nulls(),
            ColumnCounts::Number(_) => 0,
        })
        .to_vec();
    assert_eq!(nulls[0] + nulls[1], nulls[2]);
}

#[test]
fn damaged_bytes_are_refused() {
    let mut random = Random(22);
    let baseline = baseline(&mut random);
    let bytes = counted(&baseline, &mut random).to_bytes();
    for length in 0..bytes.len() {
        assert!(VersionCounts::from_bytes(&bytes[..length]).is_err(), "the first {length} bytes");
    }
    assert_eq!(VersionCounts::from_bytes(&[9]), Err(CountsError::Format(9)));
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(VersionCounts::from_bytes(&longer), Err(CountsError::Damaged(_))));
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        let place = random.below(damaged.len());
        damaged[place] = random.next() as u8;
        if let Ok(counts) = VersionCounts::from_bytes(&damaged) {
            assert!(counts.features.len() <= bytes.len());
        }
    }
}

#[test]
fn quality_counts_what_could_not_be_used() {
    let baseline = Baseline::new(
        3,
        vec![
            Column::number("n", NumberProfile::of(&[1.0, 2.0, 3.0], Precision::Double)),
            Column::category("c", CategoryProfile::of([Some("x")])),
        ],
        Vec::new(),
    );
    let meter = Meter::new(&baseline);
    let mut counts = meter.counts();
    let values = [0.9, 1.0, 3.0, 3.1, f64::NAN, f64::NEG_INFINITY];
    meter.features[0].count(&mut counts.features[0], &values, 0, 1);
    ["x", "w", ""].iter().for_each(|text| meter.features[1].count_text(&mut counts.features[1], text));
    let quality = Quality::of(&baseline, &counts);
    let number = &quality.features[0];
    assert_eq!((number.count, number.nulls, number.infinite, number.out_of_range), (4, 1, 1, 2));
    let category = &quality.features[1];
    assert_eq!((category.count, category.nulls, category.unseen), (2, 1, 1));
}
