//! Baselines: what their profiles say, that batches do not matter, and that they survive being stored.

use servoir_monitor::{
    Baseline, CATEGORIES_MAX, CategoryProfile, CategorySurvey, Column, Measure, NumberCounts, NumberProfile,
    NumberSurvey, Precision, Profile,
};

/// Numbers of a fixed, crooked sequence.
fn crooked(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 7919 % 10_007) as f64 / 10_007.0).powi(3) * 50.0 - 3.0).collect()
}

#[test]
fn a_profile_says_what_the_numbers_were() {
    let mut values: Vec<f64> = (1..=1000).map(f64::from).collect();
    values.extend([f64::NAN, f64::NAN, f64::INFINITY]);
    let profile = NumberProfile::of(&values, Precision::Double);
    assert_eq!((profile.count, profile.nulls, profile.infinite, profile.distinct), (1000, 2, 1, Some(1000)));
    assert_eq!((profile.min, profile.max, profile.mean), (Some(1.0), Some(1000.0), Some(500.5)));
    assert!((profile.std.unwrap() - 288.674_990_257_209_5).abs() < 1e-9);
    assert_eq!(profile.deciles, [100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 800.0, 900.0]);
    assert_eq!(profile.grid.edges().len(), 61);
    let bins = profile.counts.bins(&profile.grid);
    assert_eq!((bins[0].count, bins[bins.len() - 1].count), (0, 0), "nothing is out of its own range");
    assert!(bins[1..bins.len() - 1].iter().all(|bin| (16..=18).contains(&bin.count)), "{bins:?}");
}

#[test]
fn a_value_that_is_frequent_has_a_bin_for_itself() {
    let mut values = vec![0.0; 900];
    values.extend((1..=100).map(f64::from));
    let profile = NumberProfile::of(&values, Precision::Single);
    assert_eq!(profile.deciles, [0.0, f64::from(0f32.next_up())], "eight of nine deciles are one");
    let alone = profile.grid.bin(0.0);
    assert_eq!(profile.counts.bins(&profile.grid)[alone].count, 900);
    assert_ne!(profile.grid.bin(1e-30), alone);
}

#[test]
fn columns_without_numbers_or_with_one_have_profiles_too() {
    let rows: [(&[f64], u64, u64); 4] =
        [(&[], 0, 0), (&[f64::NAN; 5], 0, 5), (&[2.5; 9], 9, 0), (&[f64::MAX, f64::MIN], 2, 0)];
    for (values, count, nulls) in rows {
        let profile = NumberProfile::of(values, Precision::Double);
        assert_eq!((profile.count, profile.nulls), (count, nulls), "{values:?}");
        assert_eq!(profile.min.is_some(), count > 0);
        assert_eq!(stored(&profile), profile);
    }
}

#[test]
fn single_precision_is_compared_in_single_precision() {
    let profile = NumberProfile::of(&[0.1, 0.1, 0.3], Precision::Single);
    let mut counts = NumberCounts::default();
    counts.add(&profile.grid, &[0.1f32, 0.1, 0.3]);
    assert_eq!(counts, profile.counts);
}

#[test]
fn batches_do_not_matter() {
    let values = crooked(30_000);
    let whole = NumberProfile::of(&values, Precision::Double);
    for size in [1, 7, 1000, 29_999] {
        let mut survey = NumberSurvey::new(Precision::Double);
        values.chunks(size).for_each(|batch| survey.add(batch));
        let mut tally = survey.tally();
        values.chunks(size).for_each(|batch| tally.add(batch));
        assert_eq!(tally.finish(), whole, "batches of {size}");
    }
}

#[test]
fn parts_that_are_merged_are_the_whole() {
    let values = crooked(30_000);
    let (left, right) = values.split_at(11_111);
    let mut survey = NumberSurvey::new(Precision::Double);
    survey.add(left);
    let mut other = NumberSurvey::new(Precision::Double);
    other.add(right);
    survey.merge(&other);
    let mut tally = survey.clone().tally();
    let mut rest = survey.tally();
    tally.add(left);
    rest.add(right);
    tally.merge(&rest);
    let merged = tally.finish();
    let whole = NumberProfile::of(&values, Precision::Double);
    assert_eq!((merged.count, merged.min, merged.max, merged.distinct), (30_000, whole.min, whole.max, whole.distinct));
    assert!((merged.mean.unwrap() - whole.mean.unwrap()).abs() < 1e-12);
    assert!((merged.std.unwrap() - whole.std.unwrap()).abs() < 1e-12);
    assert_eq!(merged.doane.len(), whole.doane.len());
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    for (tenth, decile) in merged.deciles.iter().enumerate() {
        let rank = sorted.partition_point(|value| value < decile) as f64 / 30_000.0;
        assert!((rank - (tenth + 1) as f64 / 10.0).abs() < 0.01, "decile {tenth} is of rank {rank}");
    }
}

#[test]
fn categories_are_counted_by_frequency_and_bounded() {
    let profile = CategoryProfile::of([Some("b"), Some("a"), None, Some("b"), Some(&"x".repeat(300))]);
    assert_eq!(profile.values, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    assert_eq!((profile.count, profile.nulls, profile.other), (4, 1, 1));

    let names: Vec<String> = (0..70_000).map(|i| format!("v{i}")).collect();
    let mut whole = CategorySurvey::default();
    whole.add(names.iter().chain(&names[..5]).map(|name| Some(name.as_str())));
    let profile = whole.finish();
    assert_eq!((profile.values.len(), profile.other, profile.count), (CATEGORIES_MAX, 69_000, 70_005));
    assert_eq!(profile.values[0], ("v0".to_owned(), 2));
}

#[test]
fn categories_merge() {
    let (left, right) = (["a", "b", "a"], ["c", "a"]);
    let mut survey = CategorySurvey::default();
    survey.add(left.map(Some));
    let mut other = CategorySurvey::default();
    other.add(right.map(Some));
    survey.merge(&other);
    assert_eq!(survey.finish(), CategoryProfile::of(left.iter().chain(&right).map(|value| Some(*value))));
}

fn stored(profile: &NumberProfile) -> NumberProfile {
    let json = serde_json::to_vec(profile).unwrap();
    serde_json::from_slice(&json).unwrap()
}

#[test]
fn a_baseline_survives_being_stored() {
    let numbers = NumberProfile::of(&crooked(20_000), Precision::Double);
    let texts = CategoryProfile::of([Some("yes"), Some("no"), None]);
    let baseline = Baseline::new(
        20_000,
        vec![Column::number("age", numbers.clone()), Column::category("member", texts)],
        vec![Column::number("image", numbers).measured(Measure::Norm)],
    );
    let json = baseline.to_json();
    let back = Baseline::from_json(&json).unwrap();
    let (Profile::Number(back_numbers), Profile::Number(there)) =
        (&back.features[0].profile, &baseline.features[0].profile)
    else {
        panic!("the first feature is a number");
    };
    // Numbers for people may move by a unit in the last place; nothing that is computed with does.
    assert_eq!((&back_numbers.grid, &back_numbers.counts), (&there.grid, &there.counts));
    assert_eq!((&back_numbers.deciles, &back_numbers.doane), (&there.deciles, &there.doane));
    assert_eq!(back_numbers.quantiles, there.quantiles);
    assert!((back_numbers.std.unwrap() - there.std.unwrap()).abs() < 1e-12);
    assert_eq!(back.features[1], baseline.features[1]);
    assert!(json.len() < 30_000, "{} bytes", json.len());
}

#[test]
fn what_is_no_baseline_is_refused_with_the_reason() {
    let good = Baseline::new(1, vec![Column::number("x", NumberProfile::of(&[1.0, 2.0], Precision::Double))], vec![]);
    let good = String::from_utf8(good.to_json()).unwrap();
    let rows = [
        (good.replace("\"format\":1", "\"format\":2"), "format 2"),
        (good.replace("\"rows\":1", "\"rows\":-1"), "invalid value"),
        (good.replace("\"kind\":\"number\"", "\"kind\":\"colour\""), "unknown variant `colour`"),
        (good.replace("\"grid\":\"", "\"grid\":\"AAAAAAAA8D8AAAAAAADwPwAAAAAAAPA/"), "edge 1 of a grid must be"),
        ("[]".to_owned(), "baseline cannot be read"),
        (String::new(), "baseline cannot be read"),
    ];
    for (json, want) in rows {
        let error = Baseline::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(want), "{error}\n{json}");
    }
}
