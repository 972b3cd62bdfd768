//! Every statistic under the conventions of others, and every p-value, beside what their own libraries say: within 1e-9.

mod support;

use serde_json::Value;
use servoir_monitor::convention::{Algorithm, Computed, evidently, nannyml};
use servoir_monitor::statistics::reason::Reason;
use servoir_monitor::statistics::samples::Sample;
use servoir_monitor::statistics::{kolmogorov, two_sample};
use servoir_monitor::{NumberProfile, Precision};
use std::collections::BTreeSet;
use support::{rows, sample};

/// Absolute up to 1, relative above.
const TOLERANCE: f64 = 1e-9;

#[track_caller]
fn same(name: &str, ours: f64, theirs: f64) {
    let tolerance = TOLERANCE * theirs.abs().max(1.0);
    assert!(
        (ours - theirs).abs() <= tolerance,
        "{name}: {ours} here, {theirs} there, {:e} apart",
        (ours - theirs).abs()
    );
}

fn algorithm(name: &str) -> Algorithm {
    serde_json::from_value(Value::from(name)).expect("the goldens have our names")
}

type Compute<'a> = &'a dyn Fn(Algorithm) -> Result<Computed, Reason>;

/// Compares each algorithm of `theirs`; `of_test` takes from ours what the library calls the result.
fn compare(name: &str, theirs: &Value, ours: Compute<'_>, of_test: fn(&Computed) -> f64) -> usize {
    let theirs = theirs.as_object().expect("an object of algorithms");
    for (key, value) in theirs {
        let name = format!("{name} {key}");
        match (ours(algorithm(key)), value.as_f64()) {
            (Ok(computed), Some(value)) => same(&name, of_test(&computed), value),
            (Err(reason), None) => assert!(matches!(reason, Reason::OneCategory), "{name}: {reason}"),
            (ours, theirs) => panic!("{name}: {ours:?} here, {theirs:?} there"),
        }
    }
    theirs.len()
}

fn p_or_statistic(computed: &Computed) -> f64 {
    computed.p.unwrap_or(computed.statistic)
}

#[test]
fn numbers_are_as_evidently_and_nannyml_say() {
    let mut compared = 0;
    for case in rows("numbers") {
        let name = case["name"].as_str().unwrap();
        let reference = Sample::new(&sample(&case["reference"]));
        let current = Sample::new(&sample(&case["current"]));
        let by_evidently = |algorithm| evidently::of_numbers(algorithm, &reference, &current);
        compared += compare(&format!("{name} evidently"), &case["evidently"], &by_evidently, p_or_statistic);
        let by_nannyml = |algorithm| nannyml::of_numbers(algorithm, &reference, &current);
        compared += compare(&format!("{name} nannyml"), &case["nannyml"], &by_nannyml, |computed| computed.statistic);
        let profile = NumberProfile::of(&sample(&case["reference"]), Precision::Double);
        for algorithm in [Algorithm::JensenShannon, Algorithm::Hellinger] {
            let computed = nannyml::of_profile(algorithm, &profile, &current).expect(name);
            let theirs = case["nannyml"][algorithm.as_str()].as_f64().expect(name);
            same(&format!("{name} {algorithm:?} of the profile"), computed.statistic, theirs);
        }
    }
    assert!(compared >= 180, "{compared} numbers were compared");
}

#[test]
fn categories_are_as_evidently_and_nannyml_say() {
    let mut compared = 0;
    for case in rows("categories") {
        let name = case["name"].as_str().unwrap();
        let keys: BTreeSet<&String> =
            ["reference", "current"].iter().flat_map(|side| case[side].as_object().unwrap().keys()).collect();
        let counts = |side: &str| keys.iter().map(|key| case[side][key].as_u64().unwrap_or(0)).collect::<Vec<u64>>();
        let (reference, current) = (counts("reference"), counts("current"));
        let by_evidently = |algorithm| evidently::of_categories(algorithm, &reference, &current);
        compared += compare(&format!("{name} evidently"), &case["evidently"], &by_evidently, p_or_statistic);
        let by_nannyml = |algorithm| nannyml::of_categories(algorithm, &reference, &current);
        compared += compare(&format!("{name} nannyml"), &case["nannyml"], &by_nannyml, |computed| computed.statistic);
    }
    assert!(compared >= 50, "{compared} numbers were compared");
}

#[test]
fn the_kolmogorov_distribution_is_scipys() {
    for row in rows("kolmogorov") {
        let (n, d) = (row["n"].as_u64().unwrap(), row["d"].as_f64().unwrap());
        same(&format!("kstwo.sf({d}, {n})"), kolmogorov::survival(n, d), row["p"].as_f64().unwrap());
    }
}

#[test]
fn p_values_of_two_samples_are_scipys() {
    for row in rows("two_samples") {
        let (n, m, d) = (row["n"].as_u64().unwrap(), row["m"].as_u64().unwrap(), row["d"].as_f64().unwrap());
        same(&format!("{n} and {m} values, {d}"), two_sample::p_value(n, m, d), row["p"].as_f64().unwrap());
    }
}

#[test]
fn what_is_not_defined_has_a_reason() {
    let some = Sample::new(&[1.0, 2.0, 3.0]);
    let none = Sample::new(&[f64::NAN, f64::INFINITY]);
    for algorithm in Algorithm::ALL {
        for of_numbers in [evidently::of_numbers, nannyml::of_numbers] {
            assert_eq!(of_numbers(algorithm, &none, &some), Err(Reason::BaselineEmpty), "{algorithm:?}");
            assert_eq!(of_numbers(algorithm, &some, &none), Err(Reason::WindowEmpty), "{algorithm:?}");
            let computed = of_numbers(algorithm, &some, &some);
            assert!(computed.is_err() || computed.is_ok_and(|computed| computed.statistic == 0.0), "{algorithm:?}");
        }
        for of_categories in [evidently::of_categories, nannyml::of_categories] {
            let empty = of_categories(algorithm, &[3, 4], &[0, 0]);
            assert!(empty.is_err(), "{algorithm:?}: {empty:?}");
        }
    }
}
